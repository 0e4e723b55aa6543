// Attempts 19 to 28 (18 and 25 are kernel_test.cc's): to change what is not the function's, and to see what
// is another's.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/unique_fd.h"
#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

namespace json = boost::json;

// So many instances of which each begins while another changes its links.
int starts() {
  const char* const rounds = std::getenv("HEARTH_ROUNDS");
  return rounds == nullptr ? 30 : std::atoi(rounds);
}

// The server starts with a descriptor that somebody forgot to close, of the host's root.
class Files : public Security {
 protected:
  static void SetUpTestSuite() {
    const base::UniqueFd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A number that no instance uses for anything else; inherited, as that is what is tried.
    forgotten_ = ::fcntl(root.get(), F_DUPFD, 100);  // NOLINT(android-cloexec-dup)
    start({});
  }
  static void TearDownTestSuite() {
    Security::TearDownTestSuite();
    ::close(forgotten_);
  }

 private:
  static inline int forgotten_ = -1;
};

// 19
TEST_F(Files, NothingButTmpCanBeChanged) {
  expect_denied_js(R"js(
module.exports = (files) => {
  const results = {};
  for (const file of files) {
    results['open ' + file] = attempt(() => fs.closeSync(fs.openSync(file, 'r+')));
    results['chmod ' + file] = attempt(() => fs.chmodSync(file, fs.statSync(file).mode & 0o7777));
    results['touch ' + file] = attempt(() => fs.utimesSync(file, new Date(), fs.statSync(file).mtime));
    results['link ' + file] = attempt(() => { fs.linkSync(file, file + '.link'); fs.unlinkSync(file + '.link'); });
    results['rename ' + file] = attempt(() => { fs.renameSync(file, file + '.2'); fs.renameSync(file + '.2', file); });
    results['beside ' + file] = attempt(() => { fs.writeFileSync(file + '.new', 'x'); fs.unlinkSync(file + '.new'); });
  }
  return results;
};)js",
                   json::serialize(json::array{"/etc/hosts", "/etc/ld.so.cache", "/usr/bin/env"}));
  const std::string own = hostile(R"js(
const fs = require('fs');
const code = (it) => { try { it(); return 'done'; } catch (error) { return error.code; } };
module.exports = () => ['/code/index.js', '/opt/hearth/node/shim.js', process.execPath, '/etc/passwd', '/code', '/']
  .flatMap((file) => [code(() => fs.openSync(file, 'r+')), code(() => fs.chmodSync(file, 0o777)),
    code(() => fs.renameSync(file, '/tmp/x')), code(() => fs.linkSync(file, '/tmp/x')),
    code(() => fs.rmSync(file, { recursive: true })), code(() => fs.writeFileSync(file + '/x', 'x'))]);)js");
  EXPECT_EQ(strings_of(own).size(), 36U);
  EXPECT_THAT(strings_of(own), testing::Each(testing::Ne("done")));
}

// 20
TEST_F(Files, ProcAndSysTellNothingOfTheHostAndCannotBeWritten) {
  expect_denied_js(R"js(
module.exports = () => {
  const results = {};
  for (const file of ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/sys/vm/overcommit_memory',
                      '/proc/sysrq-trigger', '/proc/self/oom_score_adj', '/sys/kernel/mm/transparent_hugepage/enabled']) {
    results['write ' + file] = attempt(() => fs.closeSync(fs.openSync(file, 'r+')));
  }
  for (const file of ['/proc/kcore', '/proc/kallsyms', '/proc/keys', '/proc/key-users', '/proc/timer_list',
                      '/proc/kmsg', '/proc/iomem', '/proc/sched_debug']) {
    results['read ' + file] = attempt(() => {
      const bytes = Buffer.alloc(64);
      const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
      if (file !== '/proc/kmsg' && fs.readSync(fd, bytes, 0, 64) === 0) throw new Error('empty');
      fs.closeSync(fd);
    });
  }
  return results;
};)js");
  const std::string pid = std::to_string(::getpid());
  expect_denied_js("module.exports = () => ({ other: attempt(() => fs.readFileSync('/proc/" + pid +
                   "/cmdline')) });");
  const std::string sees = hostile(
      "module.exports = () => require('fs').readdirSync('/proc').filter((name) => "
      "/^\\d+$/.test(name)).map(Number);");
  EXPECT_EQ(output_of(sees), json::value({1})) << "itself";
}

// 21
TEST_F(Files, OnlyTheOrdinaryDevicesAreThere) {
  expect_denied_js(
      "module.exports = () => Object.fromEntries(['/dev/mem', '/dev/kmsg', '/dev/port', '/dev/fuse', "
      "'/dev/net/tun', "
      "'/dev/kvm', "
      "'/dev/ptmx', '/dev/loop-control'].map((file) => [file, attempt(() => fs.closeSync(fs.openSync(file, "
      "fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)))]));");
  const std::string lists = hostile("module.exports = () => require('fs').readdirSync('/dev').sort();");
  EXPECT_EQ(json::serialize(output_of(lists)),
            R"(["fd","full","null","random","shm","stderr","stdin","stdout","urandom","zero"])");
}

// 22
TEST_F(Files, NoCgroupCanBeReached) {
  expect_denied_js(R"js(
module.exports = () => {
  const root = fs.existsSync('/sys/fs/cgroup/cgroup.procs') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  return { procs: attempt(() => fs.writeFileSync(root + '/cgroup.procs', String(process.pid))),
           release: attempt(() => fs.closeSync(fs.openSync('/sys/fs/cgroup/pids/release_agent', 'r+'))) };
};)js");
  const std::string sees =
      hostile("module.exports = () => require('fs').readFileSync('/proc/self/cgroup', 'utf8');");
  EXPECT_THAT(std::string(output_of(sees).as_string()), testing::Not(testing::ContainsRegex("hearth|2000")));
}

// 23: through a descriptor that was opened while it was executed, once something else is.
TEST_F(Files, ItsOwnProgramCannotBeOverwritten) {
  const test::ScratchFolder folder;
  const std::string copy = folder.path() + "/probe";
  std::filesystem::copy_file(HEARTH_SANDBOX_PROBE, copy);
  EXPECT_EQ(test::run_program({copy, "overwrite", HEARTH_SANDBOX_PROBE}).output, "/proc/self/fd/9 0\n");
  const std::string id = hostile_with_probe(R"js(() => {
  const fd = fs.openSync('/proc/self/exe', 0o10000000 /* O_PATH */);
  return String(spawnSync('/tmp/probe', ['write', '/proc/self/fd/3'], { stdio: [0, 'pipe', 2, fd] }).stdout);
};)js");
  EXPECT_NE(output_of(id), "/proc/self/fd/3 0\n");
}

// 24
TEST_F(Files, NoDescriptorLeadsOutside) {
  const std::string id = hostile(R"js(
const fs = require('fs');
const all = fs.readdirSync('/proc/self/fd').flatMap((fd) => {
  try { return [fs.readlinkSync('/proc/self/fd/' + fd)]; } catch { return []; }
});
module.exports = () => all;)js");
  EXPECT_THAT(
      strings_of(id),
      testing::Each(testing::ContainsRegex("^(/dev/null$|pipe:|anon_inode:|/proc/|/code|/opt/hearth)")));
}

// 26: what is mounted for an instance does not go where an upload has made links to.
TEST_F(Files, LinksOfAnUploadLeadNowhere) {
  const test::ScratchFolder folder;
  const std::string zip = folder.path() + "/function.zip";
  const std::string script =
      "import zipfile, sys\n"
      "z = zipfile.ZipFile(sys.argv[1], 'w')\n"
      "z.writestr('index.js', 'module.exports = () => require(\"fs\").readdirSync(\"/code\").length;')\n"
      "for name in ('dev', 'proc', 'tmp', 'sys', 'code', 'etc/resolv.conf', 'etc/hosts'):\n"
      "  i = zipfile.ZipInfo(name); i.create_system = 3; i.external_attr = 0o120777 << 16\n"
      "  z.writestr(i, sys.argv[2])\n"
      "z.close()\n";
  const auto packed = test::run_program({"python3", "-c", script, zip, canary("folder")});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  const test::Reply reply = server().create_zip(test::read_file(zip), {{"name", "links"}});
  EXPECT_EQ(reply.status, 400) << reply.body;
  EXPECT_EQ(reply.error_code(), "bad_zip");
  // What is left is /tmp: one instance swaps its links while others begin, and end.
  const std::string swaps = hostile(R"js(
const fs = require('fs');
module.exports = (target) => {
  for (const until = Date.now() + 3000; Date.now() < until;) {
    for (const name of ['dev', 'proc', 'x', 'hearth', '.']) {
      const path = '/tmp/' + name;
      try { fs.symlinkSync(target, path); fs.unlinkSync(path); fs.mkdirSync(path); fs.rmdirSync(path); } catch {}
    }
  }
  for (const name of ['dev', 'proc', 'x']) fs.symlinkSync(target, '/tmp/' + name);
  return 'swapped';
};)js");
  std::thread swapping([&] { EXPECT_EQ(output_of(swaps, "\"" + canary("folder") + "\""), "swapped"); });
  const std::string leaves = hostile(
      "const fs = require('fs'); module.exports = (target) => { for (const name of ['a', 'b/c', 'index.js']) "
      "{"
      "fs.mkdirSync('/tmp/b', { recursive: true }); fs.symlinkSync(target, '/tmp/' + name); } "
      "process.exit(0); };");
  for (int i = 0; i < starts(); ++i) {
    expect_failure(leaves, "\"" + canary("one") + "\"", 502, "exited");
  }
  swapping.join();
}

// 27: nobody of the platform looks into /tmp.
TEST_F(Files, ALinkInTmpIsNotFollowed) {
  const std::string id = hostile(R"js(
const fs = require('fs');
module.exports = (target) => {
  for (const name of ['stdout', 'stderr', 'log', 'core', 'compile-cache', 'hearth']) fs.symlinkSync(target, '/tmp/' + name);
  console.log('said');
  return fs.readdirSync('/tmp').length;
};)js");
  EXPECT_EQ(output_of(id, "\"" + canary("one") + "\""), 6);
}

// 28
TEST_F(Files, WhatIsLeftInTmpNobodyElseSees) {
  constexpr const char* kLeaves =
      "const fs = require('fs'); module.exports = (name) => { const seen = [...fs.readdirSync('/tmp'), "
      "...fs.readdirSync('/dev/shm')]; fs.writeFileSync('/tmp/' + name, 'x'); fs.writeFileSync('/dev/shm/' + "
      "name, 'x'); "
      "return seen; };";
  const std::string first = hostile(kLeaves);
  const std::string second = hostile(kLeaves);
  EXPECT_EQ(strings_of(first, "\"mark\"").size(), 0U);
  EXPECT_NE(strings_of(first, "\"other\"").size(), 0U) << "the same instance sees it";
  EXPECT_EQ(strings_of(second, "\"mark\"").size(), 0U) << "another function";
  EXPECT_EQ(server().update_js(first, kLeaves).status, 200);
  EXPECT_EQ(strings_of(first, "\"mark\"").size(), 0U) << "another version";
}

}  // namespace
}  // namespace hearth::security
