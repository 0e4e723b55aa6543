// Attempts 1 to 8: to take more than an instance has, or more time.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <utility>

#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr long kMostProcesses = 256;    // --instance-processes, threads among them
constexpr long kMostOpenFiles = 1'024;  // --instance-open-files

std::string words(json::array all) { return json::serialize(all); }

// The number that stands behind `what` in the probe's words, and the errno.
std::pair<long, int> said(const std::string& text, const std::string& what) {
  long count = -1;
  int error = -1;
  const std::size_t at = text.find(what + " ");
  if (at == std::string::npos ||
      std::sscanf(text.c_str() + at + what.size(), "%ld errno %d", &count, &error) != 2) {
    ADD_FAILURE() << "no '" << what << "' in: " << text;
  }
  return {count, error};
}

std::uint64_t resident_mib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) >> 20U;
}

class Resources : public Security {
 protected:
  static void SetUpTestSuite() { start({"--instance-cpus", "0.5", "--init-timeout", "1s"}); }

  // Outside it gets all that it asks for; inside something stops it, at the latest at `most`.
  void expect_bounded(const std::vector<std::string>& command, const std::string& what, long most) {
    const auto outside = said(probe_outside(command), what);
    EXPECT_EQ(outside.second, 0) << what << ", " << outside.first;
    EXPECT_GT(outside.first, most);
    const auto inside = said(probe_inside(command), what);
    EXPECT_NE(inside.second, 0) << what << ", " << inside.first;
    EXPECT_LE(inside.first, most);
  }

  // Answered as that code says, no later than 100 ms after what it may take.
  static void expect_cut_off(const std::string& id, milliseconds timeout, const std::string& input = "null") {
    const auto began = Clock::now();
    expect_failure(id, input, 504, "timeout");
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    EXPECT_GE(took, timeout);
    EXPECT_LE(took, timeout + milliseconds(100));
  }
};

// 1
TEST_F(Resources, AForkBombIsContainedAndDeadWithinASecondOfItsKill) {
  expect_bounded({"forks", "3000"}, "forks", kMostProcesses);
  const std::size_t before = instance_processes();
  expect_failure(prober({{"timeout", 1'000}}), words({"fork-bomb"}), 504, "timeout");
  EXPECT_TRUE(test::eventually([&] { return instance_processes() <= before; }, seconds(1)));
}

// 1
TEST_F(Resources, AThreadBombIsContained) { expect_bounded({"threads", "3000"}, "threads", kMostProcesses); }

// 2
TEST_F(Resources, MemoryByEveryWayEndsTheWholeInstanceAndNothingElse) {
  const std::string id = prober({{"memorySize", 128}, {"timeout", 20'000}});
  for (const std::string way : {"heap", "memfd", "shm"}) {
    EXPECT_EQ(said(probe_outside({"take", way, "300"}), way), std::pair(300L, 0));
    expect_failure(id, words({"take", way, "300"}), 502, "out_of_memory");
  }
  const std::string fills_tmp = hostile(
      "const fs = require('fs'); module.exports = () => { const block = Buffer.alloc(1 << 20, 1); const held "
      "= [];"
      "const fd = fs.openSync('/tmp/f', 'w'); for (let i = 0; i < 60; i++) fs.writeSync(fd, block);"
      "for (let i = 0; i < 100; i++) held.push(Buffer.alloc(1 << 20, 1)); return held.length; };",
      {{"memorySize", 128}, {"timeout", 20'000}});
  expect_failure(fills_tmp, "null", 502, "out_of_memory");
}

// 2: what is locked and what waits in pipes is bounded before it fills an instance.
TEST_F(Resources, LockedMemoryAndPipesAreBounded) {
  expect_bounded({"take", "locked", "200"}, "locked", 64);
  const auto piped = said(probe_inside({"take", "pipes", "400"}), "pipes");
  EXPECT_NE(piped.second, 0);
  EXPECT_LE(piped.first, kMostOpenFiles / 2 / 16) << "two descriptors for each 64 KiB";
}

// 3: for as long as nobody gave it a priority there is a share, and a quota.
TEST_F(Resources, SpinningOn32ThreadsStaysWithinItsShareOfTheCpu) {
  const auto outside = said(probe_outside({"spin-threads", "32", "500"}), "spin");
  EXPECT_GE(outside.first, 700) << "ms of two processors' 1,000";
  const auto inside = said(probe_inside({"spin-threads", "32", "1500"}), "spin");
  EXPECT_LE(inside.first, 1'000) << "ms, of half a processor for 1.5 s";
  expect_denied("try-identity");  // a better priority and the real-time class among it
}

// 4
TEST_F(Resources, TmpFillsUpAloneAndWithFilesToo) {
  const test::ScratchFolder folder;
  const std::string outside = probe_outside({"fill", folder.path(), "200", "30000"});
  EXPECT_EQ(said(outside, "mib"), std::pair(200L, 0));
  EXPECT_EQ(said(outside, "files"), std::pair(30'000L, 0));
  const std::string inside = probe_inside({"fill", "/tmp", "200", "1000000"});
  EXPECT_EQ(said(inside, "mib").second, ENOSPC);
  EXPECT_LE(said(inside, "mib").first, 128) << "half of its memory";
  EXPECT_EQ(said(inside, "files").second, ENOSPC);
}

// 5
TEST_F(Resources, OpenFilesAreBounded) {
  expect_bounded({"open", "10000"}, "open", kMostOpenFiles);
  EXPECT_EQ(said(probe_inside({"open", "10000"}), "open").second, EMFILE);
}

// 6
TEST_F(Resources, AFloodOfLogIsCutAndTheServersMemoryStaysFlat) {
  const std::string id = hostile(
      "const fs = require('fs'); module.exports = ({ text, times }) => { const block = Buffer.alloc(1 << 20, "
      "text);"
      "for (let i = 0; i < times; i++) fs.writeSync(1 + i % 2, block); return 'written'; };",
      {{"timeout", 60'000}});
  server().invoke(id, R"({"text": "x", "times": 1})");
  const std::uint64_t before = resident_mib(server().pid());
  for (const json::value& flood : {json::value{{"text", "line\n"}, {"times", 1'024}},       // a gigabyte
                                   json::value{{"text", "one long line"}, {"times", 100}},  // of 100 MB
                                   json::value{{"text", std::string(3, '\0')}, {"times", 8}},
                                   json::value{{"text", "\x1b[2J\x1b]0;t\x07\r\n"}, {"times", 8}}}) {
    EXPECT_EQ(output_of(id, json::serialize(flood)), "written");
    const json::value logs = server().get("/functions/" + id + "/logs?limit=1").json();
    const json::array& entries = logs.at("entries").as_array();
    ASSERT_FALSE(entries.empty());
    EXPECT_TRUE(entries[0].at("truncated").as_bool());
    EXPECT_LE(json::serialize(entries[0]).size(), std::size_t{2} << 20U);
  }
  EXPECT_LE(resident_mib(server().pid()), before + 24) << "MiB; before " << before;
}

// 7
TEST_F(Resources, AFloodOfAResponseIsRefusedAndItsInstanceIsGone) {
  const std::string id = hostile(
      "const mark = Math.random(); module.exports = (mib) => mib === 0 ? mark : 'x'.repeat(mib << 20);",
      {{"memorySize", 512}, {"timeout", 30'000}});
  const json::value first = output_of(id, "0");
  EXPECT_EQ(output_of(id, "0"), first);
  const std::uint64_t before = resident_mib(server().pid());
  expect_failure(id, "64", 502, "response_too_large");
  EXPECT_NE(output_of(id, "0"), first) << "another instance";
  EXPECT_LE(resident_mib(server().pid()), before + 24) << "MiB; before " << before;
}

// 7: without an end, past the runtime, on the descriptor itself.
TEST_F(Resources, AnEndlessResponseIsRefused) {
  const std::string id = hostile(
      "const fs = require('fs'); module.exports = (ok) => { if (ok) return ok; const block = Buffer.alloc(1 "
      "<< 20, 7);"
      "for (;;) { try { fs.writeSync(4, block); } catch (error) { if (error.code !== 'EAGAIN') throw error; "
      "} } };",
      {{"timeout", 5'000}});
  const std::uint64_t before = resident_mib(server().pid());
  expect_failure(id, "null", 502, "protocol_error");
  EXPECT_EQ(output_of(id, "1"), 1);
  EXPECT_LE(resident_mib(server().pid()), before + 24) << "MiB; before " << before;
}

// 8
TEST_F(Resources, WhoDoesNotEndInTimeIsEnded) {
  const std::string id = hostile(
      "const { spawnSync } = require('child_process');"
      "for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGXCPU']) process.on(name, () => {});"
      "const ways = { loop: () => { for (;;) {} },"
      "  waits: () => new Promise(() => setInterval(() => {}, 1)),"
      "  stops: () => { process.kill(process.pid, 'SIGSTOP'); for (;;) {} },"
      "  child: () => spawnSync(process.execPath, ['-e', 'process.on(\"SIGTERM\", () => {}); for (;;) {}']),"
      "  stopped: () => spawnSync(process.execPath, ['-e', 'process.kill(process.pid, \"SIGSTOP\")']),"
      "  nothing: () => 1 };"
      "module.exports = (way) => ways[way]();",
      {{"timeout", 500}});
  for (const char* way : {"\"loop\"", "\"waits\"", "\"stops\"", "\"child\"", "\"stopped\""}) {
    SCOPED_TRACE(way);
    EXPECT_EQ(output_of(id, "\"nothing\""), 1);
    expect_cut_off(id, milliseconds(500), way);
  }
}

// 8: the parent of a vfork stands still in the kernel until its child ends.
TEST_F(Resources, AVforkThatNeverReturnsIsEnded) {
  expect_cut_off(prober({{"timeout", 800}}), milliseconds(800), words({"vfork-hang"}));
}

// 8
TEST_F(Resources, WhoSleepsWhileItIsLoadedIsEnded) {
  const std::string id =
      hostile("for (const until = Date.now() + 60000; Date.now() < until;) {} module.exports = 1;");
  const auto began = Clock::now();
  expect_failure(id, "null", 504, "init_timeout");
  EXPECT_LE(Clock::now() - began, seconds(2));
}

}  // namespace
}  // namespace hearth::security
