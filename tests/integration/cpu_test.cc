// CPU of instances: shares in proportion to memory under contention, the cap when alone.
#include <gtest/gtest.h>
#include <sched.h>

#include <boost/json/serialize.hpp>
#include <cmath>
#include <string>
#include <thread>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

// Spins for `ms` of wall time from a moment both callers share; returns the CPU time it got, in ms.
constexpr const char* kSpin = R"js(
module.exports = ({ from, ms }) => {
  while (Date.now() < from) {}
  const before = process.cpuUsage();
  while (Date.now() < from + ms) {}
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
};
)js";

std::int64_t unix_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double spin(const HearthServer& server, const std::string& id, std::int64_t from, int ms) {
  const Reply reply =
      server.invoke(id, "{\"from\":" + std::to_string(from) + ",\"ms\":" + std::to_string(ms) + "}");
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 ? reply.json().at("output").to_number<double>() : std::nan("");
}

TEST(Cpu, SharesFollowMemoryOnOneCore) {
  // One core for everything the server starts: children inherit the mask.
  cpu_set_t before;
  ::sched_getaffinity(0, sizeof(before), &before);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(1, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  HearthServer server;
  ASSERT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);

  const std::string small = server.create_js(kSpin, {{"memorySize", 128}});
  const std::string large = server.create_js(kSpin, {{"memorySize", 512}});
  spin(server, small, 0, 1);
  spin(server, large, 0, 1);
  const std::int64_t from = unix_now_ms() + 200;
  double small_ms = 0;
  std::thread other([&] { small_ms = spin(server, small, from, 4'000); });
  const double large_ms = spin(server, large, from, 4'000);
  other.join();
  EXPECT_NEAR(large_ms / small_ms, 4.0, 0.4) << large_ms << " ms and " << small_ms << " ms";
}

TEST(Cpu, AloneAnInstanceGetsItsCapAndNoMore) {
  HearthServer server(
      {.flags = {"--instance-cpus", "0.5"}, .data_dir = "", .start_bound = std::chrono::seconds(30)});
  for (const int memory_mb : {128, 512}) {
    const std::string id = server.create_js(kSpin, {{"memorySize", memory_mb}});
    spin(server, id, 0, 1);
    const double used_ms = spin(server, id, unix_now_ms(), 2'000);
    EXPECT_GT(used_ms, 850) << memory_mb;
    EXPECT_LT(used_ms, 1'150) << memory_mb;
  }
}

}  // namespace
}  // namespace hearth::test
