// Attempts 9 to 17: to outlive a call, to reach other processes, and to become somebody else.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A process of the host that does nothing, and that anybody might end.
class Bystander {
 public:
  Bystander() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) {
        ::pause();
      }
    }
  }
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  ~Bystander() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  pid_t pid() const { return pid_; }
  bool lives() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  const pid_t pid_;
};

class Processes : public Security {};

// 9
TEST_F(Processes, NothingRunsOnceTheCallIsOver) {
  const std::string id = hostile(R"js(
const { Worker } = require('worker_threads');
const shared = new SharedArrayBuffer(8);
const ticks = new Int32Array(shared);
let begun = false;
module.exports = () => {
  if (!begun) {
    begun = true;
    setInterval(() => { ticks[0] += 1; }, 1);
    new Worker('const t = new Int32Array(require("worker_threads").workerData);' +
               'setInterval(() => { t[1] += 1; }, 1);', { eval: true, workerData: shared });
    return new Promise((done) => setTimeout(done, 100, [...ticks]));
  }
  return [...ticks];
};)js");
  const auto ticks = [&] { return output_of(id).as_array(); };
  ticks();
  std::this_thread::sleep_for(milliseconds(100));  // until the pause has come
  const auto before = ticks();
  std::this_thread::sleep_for(milliseconds(1'000));
  const auto after = ticks();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GT(after[i].as_int64(), 0) << "it did run";
    EXPECT_LE(after[i].as_int64() - before[i].as_int64(), 200) << "of a thousand";
  }
}

// 10
TEST_F(Processes, ADaemonEndsWithItsInstance) {
  const std::string id = hostile(R"js(
const { spawn } = require('child_process');
module.exports = (exits) => {
  if (exits) process.exit(1);
  spawn(process.execPath, ['-e', `
    const { spawn } = require('child_process');
    spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'],
          { detached: true, stdio: 'ignore' }).unref();`], { detached: true, stdio: 'ignore' }).unref();
  return new Promise((done) => setTimeout(done, 500, 'left'));
};)js");
  const std::size_t before = instance_processes();
  EXPECT_EQ(output_of(id), "left");
  EXPECT_GT(instance_processes(), before) << "it lives for as long as the instance";
  expect_failure(id, "true", 502, "exited");
  EXPECT_TRUE(test::eventually([&] { return instance_processes() <= before; }, seconds(5)));
}

// 11
TEST_F(Processes, ZombiesAreBounded) {
  const std::string outside = probe_outside({"zombies", "10000"});
  EXPECT_EQ(outside, "zombies 10000 errno 0\n");
  int made = 0;
  int error = 0;
  const std::string inside = probe_inside({"zombies", "10000"});
  ASSERT_EQ(std::sscanf(inside.c_str(), "zombies %d errno %d", &made, &error), 2) << inside;
  EXPECT_LE(made, 256);
  EXPECT_EQ(error, EAGAIN);
}

// 12: of all that it may signal nothing is outside; process 1 is its own.
TEST_F(Processes, SignalsReachNobodyOutside) {
  const Bystander bystander;
  const std::string pid = std::to_string(bystander.pid());
  {
    const Bystander other;
    EXPECT_EQ(probe_outside({"kill", std::to_string(other.pid())}), "kill 0\n");
    EXPECT_TRUE(test::eventually([&] { return !other.lives(); }));
  }
  EXPECT_EQ(probe_inside({"kill", pid}), "kill " + std::to_string(ESRCH) + "\n");
  EXPECT_EQ(probe_inside({"kill", "2000000"}), "kill " + std::to_string(ESRCH) + "\n");
  probe_inside({"kill", "-1"});  // all that it may: those of its own instance but process 1
  EXPECT_TRUE(bystander.lives());
}

// 13
TEST_F(Processes, OtherProcessesCannotBeLookedInto) { expect_denied("try-processes"); }

// 14: from inside, its own process 1 cannot be killed by others; it can end itself, and does it a clean
// error.
TEST_F(Processes, WhoEndsItsOwnRuntimeFailsAloneAndTheSlotIsFree) {
  const std::string id = hostile(
      "module.exports = (how) => { if (how === 'abort') process.abort(); if (how === 'exit') process.exit(0);"
      "if (how === 'kill') process.kill(process.pid, 'SIGKILL');"
      "if (how === 'close') require('fs').closeSync(4);"
      "return how === 'well' ? 'well' : new Promise(() => setTimeout(() => {}, 60000)); };",
      {{"timeout", 1'000}});
  for (const char* how : {"\"abort\"", "\"exit\"", "\"kill\"", "\"close\""}) {
    const auto began = std::chrono::steady_clock::now();
    const test::Reply reply = server().invoke(id, how);
    EXPECT_TRUE(reply.status == 502 || reply.status == 504) << how << ": " << reply.body;
    EXPECT_LE(std::chrono::steady_clock::now() - began, seconds(2)) << how;
    EXPECT_EQ(output_of(id, "\"well\""), "well") << how;
  }
  EXPECT_EQ(probe_inside({"kill", "1"}), "kill 0\n") << "the kernel keeps process 1";
}

// 15
TEST_F(Processes, NoCoreIsWritten) {
  const test::ScratchFolder folder;
  const std::string control =
      test::run_program(
          {"sh", "-c", "cd " + folder.path() + "; ulimit -c unlimited; " HEARTH_SANDBOX_PROBE " dump; ls"})
          .output;
  if (control.find("core") == std::string::npos) {
    std::printf("not testable here: a core file (/proc/sys/kernel/core_pattern is not a name)\n");
  }
  EXPECT_EQ(probe_outside({"raise-core"}), "raise-core 0\n");
  EXPECT_EQ(probe_inside({"raise-core"}), "raise-core " + std::to_string(EPERM) + "\n");
  const std::string dumps =
      hostile_with_probe("() => ({ signal: probe(['dump']).signal, files: fs.readdirSync('/tmp') })");
  EXPECT_EQ(json::serialize(output_of(dumps)), R"({"signal":"SIGABRT","files":["probe"]})");
}

// 16
TEST_F(Processes, SetuidBitsAndFileCapabilitiesOfAnUploadGiveNothing) {
  const test::ScratchFolder folder;
  folder.write(
      "index.js",
      "const fs = require('fs'); const { spawnSync } = require('child_process');"
      "module.exports = () => ({ mode: fs.statSync('/code/probe').mode & 0o7000, uid: process.getuid(),"
      "effective: Number(spawnSync('/code/probe', ['effective-uid']).stdout) });");
  std::filesystem::copy_file(HEARTH_SANDBOX_PROBE, folder.path() + "/probe");
  const std::string zip = folder.path() + "/function.zip";
  // Python keeps the mode as it is told.
  const std::string script =
      "import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w')\n"
      "for name, mode in (('index.js', 0o100644), ('probe', 0o106755)):\n"
      "  i = zipfile.ZipInfo(name); i.external_attr = mode << 16; i.create_system = 3\n"
      "  z.writestr(i, open(sys.argv[2] + '/' + name, 'rb').read())\nz.close()\n";
  const auto packed = test::run_program({"python3", "-c", script, zip, folder.path()});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  const test::Reply made = server().create_zip(test::read_file(zip), {{"name", "setuid"}});
  if (made.status == 201) {  // refused altogether would do as well
    const json::value found = output_of("setuid");
    EXPECT_EQ(found.at("mode"), 0);
    EXPECT_EQ(found.at("effective"), found.at("uid"));
    EXPECT_EQ(server().del("/functions/setuid").status, 204);
  }
  expect_denied("try-file-privileges");
}

// 17
TEST_F(Processes, NobodyElseCanBeBecomeAndNoCapabilityIsLeft) {
  expect_denied("try-identity");
  const std::string id = hostile(
      "module.exports = () => require('fs').readFileSync('/proc/self/status', 'utf8').split('\\n')"
      ".filter((line) => /^(Cap|NoNewPrivs|Seccomp:)/.test(line)).map((line) => line.split('\\t')[1]);");
  const std::string none = "0000000000000000";
  EXPECT_EQ(output_of(id), json::value({none, none, none, none, none, "1", "2"}));
}

}  // namespace
}  // namespace hearth::security
