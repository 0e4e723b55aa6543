// The warm path in instructions of the server's own code (C and C++ libraries with it, the kernel without),
// as callgrind counts them: a figure that the machine's speed and its other load do not move.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

// What a call takes. More than a tenth over it is a failure; when it has become a tenth less, lower it, and
// SPECIFICATION.md's ("Speed of the warm path") with it.
constexpr double kOneByOne = 21'600;
constexpr double kSixteenAtOnce = 20'700;
constexpr double kTolerance = 0.1;

// The log book is full, as it is for most of a server's life.
const std::vector<std::string> kFlags = {"--spin", "0", "--log-entries", "50"};

constexpr const char* kHandler = "module.exports = (input) => input.n;";

// Why it cannot be counted here; empty when it can.
std::string hindrance() {
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "the figures are the release build's";
#else
  const bool installed =
      ::access("/usr/bin/valgrind", X_OK) == 0 && ::access("/usr/bin/callgrind_control", X_OK) == 0;
  return installed ? "" : "valgrind is not installed";
#endif
}

void call_one_by_one(const HearthServer& server, const std::string& id, int count) {
  const auto client = server.connect();
  for (int i = 0; i < count; ++i) {
    const auto reply = client->request(http::Method::kPost, "/functions/" + id + "/invoke", R"({"n":1})");
    ASSERT_TRUE(reply && reply->status == 200) << (reply ? reply->body : reply.error().message);
  }
}

void call_at_once(const HearthServer& server, const std::string& id, int callers, int calls_each) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(callers));
  for (int caller = 0; caller < callers; ++caller) {
    threads.emplace_back([&] { call_one_by_one(server, id, calls_each); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
}

// A data directory with one function, whose code has been unpacked: valgrind knows no openat2(2), which
// unpacking needs.
class WarmPathInstructions : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }

  std::string data_dir() const { return folder_.path() + "/data"; }

  std::string prepare(int concurrency) {
    const HearthServer server({.flags = {}, .data_dir = data_dir()});
    std::string id = server.create_js(kHandler, {{"concurrency", concurrency}});
    EXPECT_EQ(server.invoke(id, R"({"n":1})").status, 200);
    return id;
  }

  static void control(const HearthServer& server, std::vector<std::string> words) {
    words.insert(words.begin(), "/usr/bin/callgrind_control");
    words.push_back(std::to_string(server.pid()));
    const ProgramResult result = run_program(words);
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }

  // What is counted from one dump to the next is in the second.
  std::int64_t count(const HearthServer& server, const std::function<void()>& calls) {
    control(server, {"--dump"});
    calls();
    control(server, {"--dump"});
    dumps_ += 2;
    std::istringstream lines(read_file(dump()));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("totals: ")) {
        return std::stoll(line.substr(8));
      }
    }
    ADD_FAILURE() << "no totals in " << dump() << "\n" << server.log();
    return 0;
  }

  void expect_per_call(double instructions, double figure) const {
    std::printf("instructions of a warm call: %.0f (figure: %.0f)\n", instructions, figure);
    if (instructions < figure * (1 - kTolerance)) {
      std::printf("it has become better by more than a tenth: lower the figure\n");
    }
    EXPECT_LE(instructions, figure * (1 + kTolerance)) << profile();
  }

 private:
  std::string dump() const { return data_dir() + ".callgrind." + std::to_string(dumps_); }

  // The functions that take the most, of the latest dump.
  std::string profile() const {
    constexpr std::size_t kShownBytes = 8'000;
    return run_program({"/usr/bin/callgrind_annotate", dump()}).output.substr(0, kShownBytes);
  }

  ScratchFolder folder_;
  int dumps_ = 0;
};

TEST_F(WarmPathInstructions, OfCallsOneByOne) {
  constexpr int kCalls = 500;
  const std::string id = prepare(1);
  const HearthServer server({.flags = kFlags, .data_dir = data_dir(), .program = {HEARTH_COUNTED_SERVER}});
  control(server, {"--instr=on"});
  call_one_by_one(server, id, 100);
  const auto total = count(server, [&] { call_one_by_one(server, id, kCalls); });
  expect_per_call(static_cast<double>(total) / kCalls, kOneByOne);
}

TEST_F(WarmPathInstructions, OfSixteenCallsAtOnce) {
  constexpr int kCallers = 16;
  constexpr int kCallsEach = 50;
  const std::string id = prepare(kCallers);
  const HearthServer server({.flags = kFlags, .data_dir = data_dir(), .program = {HEARTH_COUNTED_SERVER}});
  control(server, {"--instr=on"});
  call_one_by_one(server, id, 100);
  call_at_once(server, id, kCallers, 10);
  const auto total = count(server, [&] { call_at_once(server, id, kCallers, kCallsEach); });
  expect_per_call(static_cast<double>(total) / (kCallers * kCallsEach), kSixteenAtOnce);
}

}  // namespace
}  // namespace hearth::test
