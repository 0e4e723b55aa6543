// The checker finds each broken promise within a few seeds: a simulation that cannot fail proves nothing.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/log.h"
#include "store/sqlite/store_under_test.h"
#include "tests/simulation/broken_stores.h"
#include "tests/simulation/world.h"

namespace hearth::simulation {
namespace {

constexpr std::uint64_t kSeedsTried = 12;

// All that is wrong with the first seed that finds something; empty: none does.
template <typename Broken>
std::string found_in() {
  spdlog::set_level(spdlog::level::off);
  for (std::uint64_t seed = 1; seed <= kSeedsTried; ++seed) {
    store::sqlite::SqliteUnderTest stores;
    Broken broken(stores.executions());
    const Report report = run(Settings::drawn(seed), broken);
    if (!report.violations.empty()) {
      return fmt::format("{}", fmt::join(report.violations, "\n"));
    }
  }
  return {};
}

TEST(SimulationChecker, FindsAnAcknowledgementBeforeTheCommit) {
  EXPECT_THAT(found_in<EarlyStore>(), testing::HasSubstr("was acknowledged, and is not found"));
}

TEST(SimulationChecker, FindsASettlementWithoutTheLease) {
  EXPECT_THAT(found_in<LeaseBlindStore>(), testing::HasSubstr("settles it, and is not the current one"));
}

TEST(SimulationChecker, FindsLeasesThatRunOutTooEarly) {
  EXPECT_THAT(found_in<ShortLeaseStore>(), testing::HasSubstr("goes on for"));
}

TEST(SimulationChecker, FindsACancellationThatIsLost) {
  EXPECT_THAT(found_in<UncancellingStore>(), testing::HasSubstr("was cancelled, and is"));
}

TEST(SimulationChecker, FindsARetryBeforeItIsDue) {
  EXPECT_THAT(found_in<HastyStore>(), testing::HasSubstr("before it is due"));
}

TEST(SimulationChecker, FindsWhatIsNeverTriedAgain) {
  EXPECT_THAT(found_in<ForgetfulStore>(), testing::HasSubstr("is stored as pending"));
}

TEST(SimulationChecker, FindsTheAnswerToAnotherInput) {
  EXPECT_THAT(found_in<MixingStore>(), testing::HasSubstr("the answer to another input"));
}

TEST(SimulationChecker, FindsAnOrderThatIsTwoExecutions) {
  EXPECT_THAT(found_in<KeylessStore>(), testing::HasSubstr("is another execution of the order"));
}

}  // namespace
}  // namespace hearth::simulation
