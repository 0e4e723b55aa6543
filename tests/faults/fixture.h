// What every fault is tried on: the hosts, with callers that never stop and what must be true of their calls.
// HEARTH_FAULT_ROUNDS says how often each fault comes (default: once; `tools/dev faults`: 20 times),
// HEARTH_FAULT_SEED at which moments.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/faults/hosts.h"
#include "tests/faults/load.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {

// The bounds of the issue: from a fault, and from the return of Redis or PostgreSQL.
inline constexpr std::chrono::milliseconds kRecovery{1'000};
inline constexpr std::chrono::milliseconds kReturn{2'000};

inline constexpr const char* kEcho = "module.exports = (word) => word;";

class Faults : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite() { hosts_.reset(); }

  // Also waits until the load runs.
  void SetUp() override;
  // Ends the load, and holds what its callers have written down against what the workers say.
  void TearDown() override;

  // At a random moment, and not before the last has been got over.
  void each_round(const std::function<void()>& round);

  std::size_t random_below(std::size_t bound) { return generator_() % bound; }
  const std::string& one_of(const std::vector<std::string>& names) {
    return names[random_below(names.size())];
  }
  // "worker" is the one that most of the load goes to now: calls keep away from one that was lost.
  static std::string host_of(const std::string& name) { return name == "worker" ? busiest_worker() : name; }
  static std::string other_gateway(const std::string& than) {
    return than == "gateway1" ? "gateway2" : "gateway1";
  }

  // More callers, half of them of each gateway, until the test's end.
  void add_load(Load::Options options);
  // Of all callers, but for the probes below.
  std::vector<CallRecord> records() const;

  // A caller who comes now is answered by each gateway, for each function. Those of the load may be waiting
  // for a call that a part which is away had begun.
  void expect_success_within(std::chrono::milliseconds bound, Clock::time_point from,
                             const std::vector<std::string>& gateways) const;
  // A function that is called so seldom that nobody holds an instance of it: messaging is needed.
  void expect_seldom_within(std::chrono::milliseconds bound, Clock::time_point from,
                            const std::string& gateway) const;
  void expect_no_failure(Clock::time_point from) const;
  void expect_no_failure_through(const std::string& gateway, Clock::time_point from) const;

  static constexpr std::array<const char*, 3> kLoaded = {"f0", "f1", "f2"};
  static constexpr const char* kSeldom = "seldom";

  static std::unique_ptr<Hosts> hosts_;
  bool worker_killed_ = false;
  bool executes_more_ = false;  // than the callers of the loads ask for

 private:
  static std::string hindrance();
  static std::string busiest_worker();
  void expect_at_most_once(const std::vector<CallRecord>& all) const;

  std::uint64_t executions_before_ = 0;
  std::uint64_t asked_before_ = 0;
  std::vector<std::unique_ptr<Load>> loads_;
  unsigned long seed_ = 0;
  std::mt19937 generator_;
};

}  // namespace hearth::faults
