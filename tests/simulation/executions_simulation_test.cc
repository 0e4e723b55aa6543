// Asynchronous executions under faults, on a virtual clock: many seeds, each a platform of its own. What is
// acknowledged is executed or dead with its true reason, nothing else is executed, and each lease settles
// alone.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "base/log.h"
#include "store/sqlite/store_under_test.h"
#include "tests/simulation/world.h"

namespace hearth::simulation {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSteps = 200'000;
#else
constexpr std::uint64_t kSteps = 1'000'000;
#endif

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Report run_seed(std::uint64_t seed) {
  store::sqlite::SqliteUnderTest stores;
  return run(Settings::drawn(seed), stores.executions());
}

class ExecutionsSimulation : public testing::Test {
 protected:
  ExecutionsSimulation() { spdlog::set_level(spdlog::level::off); }
};

void add(Report& sum, const Report& each) {
  sum.hash ^= each.hash;
  sum.steps += each.steps;
  sum.steps_under_faults += each.steps_under_faults;
  sum.runs += each.runs;
  sum.book.accepted += each.book.accepted;
  sum.book.repeated += each.book.repeated;
  sum.book.removed += each.book.removed;
  sum.book.claims += each.book.claims;
  sum.book.leases_lost += each.book.leases_lost;
  sum.book.settled_too_late += each.book.settled_too_late;
  sum.book.done += each.book.done;
  sum.book.dead += each.book.dead;
  sum.book.cancelled += each.book.cancelled;
  sum.book.redriven += each.book.redriven;
  sum.book.retries += each.book.retries;
  sum.clients.acknowledged += each.clients.acknowledged;
  sum.clients.unknown += each.clients.unknown;
  sum.faults.insert(sum.faults.end(), each.faults.begin(), each.faults.end());
}

std::string told(const Report& sum, std::uint64_t seeds, double seconds) {
  const BookCounts& book = sum.book;
  return fmt::format("{} seeds, {} steps, {} of them under {} faults, in {:.1f} s (hash {:x})\n", seeds,
                     sum.steps, sum.steps_under_faults, sum.faults.size(), seconds, sum.hash) +
         fmt::format("submissions: {} accepted, {} repeated, {} acknowledged, {} without an answer\n",
                     book.accepted, book.repeated, sum.clients.acknowledged, sum.clients.unknown) +
         fmt::format("executions: {} done, {} dead, {} cancelled, {} redriven, {} removed\n", book.done,
                     book.dead, book.cancelled, book.redriven, book.removed) +
         fmt::format("attempts: {} runs, {} retries, {} claims, {} leases lost, {} settled too late\n",
                     sum.runs, book.retries, book.claims, book.leases_lost, book.settled_too_late);
}

TEST_F(ExecutionsSimulation, HoldsWhatItPromisesUnderEverySeed) {
  const std::uint64_t wanted = number_from("HEARTH_SIM_STEPS", kSteps);
  const std::uint64_t first = number_from("HEARTH_SIM_SEED", 1);
  const bool one = std::getenv("HEARTH_SIM_SEED") != nullptr;
  const auto began = std::chrono::steady_clock::now();
  Report sum;
  std::uint64_t seed = first;
  do {
    const Report report = run_seed(seed);
    ASSERT_TRUE(report.violations.empty()) << "HEARTH_SIM_SEED=" << seed << "\n" << report.story();
    if (std::getenv("HEARTH_SIM_STORY") != nullptr) {
      std::cout << report.story();
    }
    add(sum, report);
    ++seed;
  } while (!one && sum.steps < wanted);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << told(sum, seed - first, took.count());
  EXPECT_TRUE(one || sum.steps >= wanted);
}

TEST_F(ExecutionsSimulation, IsTheSameForTheSameSeed) {
  for (const std::uint64_t seed : {11, 12}) {
    const Report first = run_seed(seed);
    const Report second = run_seed(seed);
    EXPECT_EQ(first.hash, second.hash) << seed;
    EXPECT_EQ(first.steps, second.steps) << seed;
    EXPECT_EQ(first.faults, second.faults) << seed;
  }
  EXPECT_NE(run_seed(11).hash, run_seed(13).hash);
}

}  // namespace
}  // namespace hearth::simulation
