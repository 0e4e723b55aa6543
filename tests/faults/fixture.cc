#include "tests/faults/fixture.h"

#include <algorithm>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <thread>

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kShownBytes = 3'000;  // of a log, when a test fails

unsigned long number_of(const char* variable, unsigned long otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

std::string told(const test::Reply& reply) { return std::to_string(reply.status) + " " + reply.error_code(); }

// Empty when it was answered in time.
std::string probe(const Hosts& hosts, milliseconds bound, Clock::time_point from, const std::string& gateway,
                  const std::string& function) {
  std::string last;
  do {
    const auto reply = hosts.invoke(gateway, function, "1");
    if (reply.status == 200) {
      const auto took = std::chrono::ceil<milliseconds>(Clock::now() - from);
      return took <= bound ? "" : gateway + " took " + std::to_string(took.count()) + " ms for " + function;
    }
    last = told(reply);
    std::this_thread::sleep_for(milliseconds(5));
  } while (Clock::now() < from + 3 * bound);
  return gateway + " does not answer for " + function + ": " + last;
}

}  // namespace

std::unique_ptr<Hosts> Faults::hosts_;

void Faults::SetUpTestSuite() {
  if (hindrance().empty()) {
    hosts_ = std::make_unique<Hosts>();
    for (const char* name : kLoaded) {
      hosts_->create(kEcho, name, 512);
    }
    hosts_->create(kEcho, kSeldom);
  }
}

std::string Faults::hindrance() {
  const std::string reason = store::postgres::PostgresServer::hindrance();
  return reason.empty() ? Network::hindrance() : reason;
}

void Faults::SetUp() {
  if (const std::string reason = hindrance(); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  seed_ = number_of("HEARTH_FAULT_SEED", std::random_device()());
  generator_.seed(static_cast<std::mt19937::result_type>(seed_));
  std::cout << "HEARTH_FAULT_SEED=" << seed_ << "\n";
  executions_before_ = hosts_->executions();
  asked_before_ = hosts_->may_have_executed();
  for (const char* name : kLoaded) {
    Load::Options options;
    options.function = name;
    options.callers = 2;
    options.pause = milliseconds(1);
    add_load(options);
  }
}

void Faults::add_load(Load::Options options) {
  for (const std::string& gateway : Hosts::gateways()) {
    options.gateways.push_back({gateway, hosts_->endpoint(gateway)});
  }
  loads_.push_back(std::make_unique<Load>(hosts_->network(), options));
  ASSERT_TRUE(loads_.back()->wait_for_success(100, seconds(20)));
}

void Faults::TearDown() {
  if (loads_.empty()) {
    return;
  }
  hosts_->network().heal();
  for (const auto& load : loads_) {
    load->stop();
  }
  const auto all = records();
  EXPECT_EQ(count_foreign(all), 0U);
  std::string unrest;
  EXPECT_TRUE(test::eventually([&] { return (unrest = hosts_->unrest()).empty(); }, seconds(15))) << unrest;
  if (unrest.empty() && !worker_killed_ && !executes_more_) {  // who is killed forgets what it has executed
    expect_at_most_once(all);
  }
  if (HasFailure()) {
    for (const std::string& gateway : Hosts::gateways()) {
      const std::string log = hosts_->log(gateway);
      std::cout << gateway << " said last:\n" << log.substr(log.size() - std::min(log.size(), kShownBytes));
    }
  }
}

// Those that the callers do not know of may have been executed, or not.
void Faults::expect_at_most_once(const std::vector<CallRecord>& all) const {
  const std::uint64_t executed = hosts_->executions() - executions_before_;
  const std::uint64_t most = count_may_have_executed(all) + hosts_->may_have_executed() - asked_before_;
  std::cout << executed << " executed of at most " << most << "; of the load's calls\n" << failures(all, {});
  EXPECT_LE(executed, most) << "something was executed twice";
}

void Faults::each_round(const std::function<void()>& round) {
  const unsigned long rounds = number_of("HEARTH_FAULT_ROUNDS", 1);
  for (unsigned long i = 0; i < rounds && !HasFailure(); ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    std::this_thread::sleep_for(milliseconds(random_below(500)));
    round();
    for (const auto& load : loads_) {
      EXPECT_TRUE(load->wait_for_success(50, seconds(15)));
    }
  }
}

std::string Faults::busiest_worker() {
  constexpr milliseconds kWatched{100};
  std::map<std::string, std::uint64_t> executed;
  for (const std::string& worker : Hosts::workers()) {
    executed[worker] -= hosts_->executions(worker);
  }
  std::this_thread::sleep_for(kWatched);
  for (const std::string& worker : Hosts::workers()) {
    executed[worker] += hosts_->executions(worker);
  }
  return std::ranges::max_element(executed, {}, [](const auto& each) { return each.second; })->first;
}

std::vector<CallRecord> Faults::records() const {
  std::vector<CallRecord> all;
  for (const auto& load : loads_) {
    const auto some = load->records();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void Faults::expect_success_within(milliseconds bound, Clock::time_point from,
                                   const std::vector<std::string>& gateways) const {
  std::vector<std::future<std::string>> probes;
  for (const std::string& gateway : gateways) {
    for (const char* function : kLoaded) {
      probes.push_back(
          std::async(std::launch::async, [=] { return probe(*hosts_, bound, from, gateway, function); }));
    }
  }
  for (auto& each : probes) {
    EXPECT_EQ(each.get(), "") << failures(records(), from);
  }
}

void Faults::expect_seldom_within(milliseconds bound, Clock::time_point from,
                                  const std::string& gateway) const {
  std::string last;
  const bool answered = test::eventually(
      [&] {
        const auto reply = hosts_->invoke(gateway, kSeldom, "1");
        last = told(reply);
        return reply.status == 200;
      },
      2 * bound);
  const auto took = std::chrono::ceil<milliseconds>(Clock::now() - from);
  EXPECT_TRUE(answered && took <= bound) << gateway << ": " << last << " after " << took.count() << " ms";
}

void Faults::expect_no_failure(Clock::time_point from) const {
  const auto all = records();
  EXPECT_EQ(count_failed(all, from), 0U) << failures(all, from);
}

void Faults::expect_no_failure_through(const std::string& gateway, Clock::time_point from) const {
  auto theirs = records();
  std::erase_if(theirs, [&](const CallRecord& record) { return record.gateway != gateway; });
  EXPECT_EQ(count_failed(theirs, from), 0U) << failures(theirs, from);
}

}  // namespace hearth::faults
