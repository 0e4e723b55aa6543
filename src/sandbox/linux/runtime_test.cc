// The host's Node and Python run inside, with what ordinary programs ask of them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

constexpr const char* kNode = "/usr/bin/node";
constexpr const char* kPython = "/usr/bin/python3";

class Runtime : public ::testing::Test {
 protected:
  void make(const std::string& program, std::vector<VisiblePath> paths,
            std::vector<Extensions> extensions = {}) {
    if (::geteuid() != 0 || !std::filesystem::exists(program)) {
      GTEST_SKIP() << "needs root and " << program;
    }
    auto options = linux_options(unique_tag());
    options.programs.push_back(program);
    options.paths = std::move(paths);
    options.extensions = std::move(extensions);
    auto made = LinuxBackend::create(options);
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_);
  }

  Finished run(const std::string& program, std::vector<std::string> arguments) {
    auto spec = driver_->probe_spec(std::move(arguments));
    spec.program = program;
    spec.environment = {"PATH=/usr/bin", "HOME=/tmp"};
    const CodeFolder code;
    return driver_->run(spec, code.open());
  }

  std::unique_ptr<LinuxBackend> backend_;
  std::optional<Driver> driver_;
};

TEST_F(Runtime, NodeRuns) {
  ASSERT_NO_FATAL_FAILURE(make(kNode, {}));
  if (IsSkipped()) {
    return;
  }
  const auto finished = run(kNode, {"-e", R"(
    const os = require('os'), fs = require('fs'), dns = require('dns');
    fs.writeFileSync('/tmp/x', 'y');
    new (require('worker_threads').Worker)('console.log("thread")', {eval: true}).on('exit', () => {
      dns.lookup('localhost', (e, address) => console.log(JSON.stringify({
        code: require('/code/index.js'), cpus: os.cpus().length > 0, user: os.userInfo().username,
        net: Object.keys(os.networkInterfaces()), memory: os.totalmem() > 0, address, cwd: process.cwd(),
        pid: process.pid, random: require('crypto').randomBytes(8).length,
        child: require('child_process').spawnSync(process.execPath, ['-p', '6*7']).stdout.toString().trim(),
        date: new Date(0).toLocaleString('en-GB', {timeZone: 'Europe/Rome'})})));
    });)"});
  EXPECT_EQ(finished.err, "");
  EXPECT_EQ(finished.out,
            "thread\n"
            R"({"code":42,"cpus":true,"user":"function","net":["lo"],"memory":true,"address":"127.0.0.1",)"
            R"("cwd":"/code","pid":1,"random":8,"child":"42","date":"01/01/1970, 01:00:00"})"
            "\n");
  EXPECT_EQ(finished.exit.reason, ExitReason::kExited);
}

TEST_F(Runtime, PythonRuns) {
  std::vector<VisiblePath> paths;
  std::error_code none;
  const auto real = std::filesystem::canonical(kPython, none).filename().string();  // python3.11
  paths.push_back({"/usr/lib/" + real, "/usr/lib/" + real});
  ASSERT_NO_FATAL_FAILURE(make(kPython, paths, {{kPython, "/usr/lib/" + real + "/lib-dynload"}}));
  if (IsSkipped()) {
    return;
  }
  const auto finished = run(kPython, {"-c",
                                      "import ctypes, json, lzma, os, sqlite3, ssl, threading, uuid\n"
                                      "t = threading.Thread(target=lambda: print('thread', flush=True))\n"
                                      "t.start(); t.join()\n"
                                      "print(json.dumps([os.getcwd(), os.getpid(), os.listdir('/code')]))"});
  EXPECT_EQ(finished.out, "thread\n[\"/code\", 1, [\"index.js\"]]\n") << finished.err;
}

}  // namespace
}  // namespace hearth::sandbox::testing
