// Workers that do not answer, or too late: within what time a call is given up, that nothing is executed for
// it, and how the worker is left alone and found again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/testing/occupied_pool.h"
#include "http/raw_server_test_support.h"
#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

using model::Refusal;
using model::ReleaseKind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class LinkSilence : public LinkTestBothWays {
 protected:
  // What comes back to the worker of an instance that it had offered.
  std::pair<model::Allocation, ReleaseKind> kept(const std::string& instance, std::uint64_t epoch = 1) const {
    return {{uri(), instance, 0, epoch, 0}, ReleaseKind::kKeep};
  }
  // A connection is there, the version is told, and no lease is held.
  void connect_before() {
    const ObserverPtr observer = execute("before");
    ASSERT_TRUE(asked(1));
    executor_.asked[0].finish("1", /*reusable=*/false);
    ASSERT_TRUE(ended(observer));
  }
  // The call that is under way is refused in time.
  void expect_given_up(const ObserverPtr& observer) {
    const milliseconds took = time_until([&] { return observer->ends > 0; });
    EXPECT_GE(took, kLastCall + kLastWord - milliseconds(30));
    EXPECT_LE(took, kAdmission + kSlack);
    EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
    EXPECT_EQ(observer->ends, 1);
  }
  void expect_refused_at_once(const std::string& instance) {
    const ObserverPtr observer = execute(instance);
    EXPECT_EQ(observer->refusal, Refusal::kNoAnswer) << "it is left alone";
    EXPECT_EQ(observer->ends, 1);
  }
  // Nothing ends twice.
  void expect_no_more_ends(const ObserverPtr& observer) {
    run_for(milliseconds(20));
    EXPECT_EQ(observer->ends, 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkSilence, testing::Bool(), name_of_way);

TEST_P(LinkSilence, AListenerThatNeverAnswersIsGivenUpInTime) {
  const http::test::RawServer silent;
  model::Allocation there = allocation("i");
  there.worker_uri = uri_of(silent.port());
  expect_given_up(execute(there));
  EXPECT_TRUE(silent.accept());
  const ObserverPtr next = execute(there);
  EXPECT_EQ(next->refusal, Refusal::kNoAnswer);
  run_for(milliseconds(10));
  EXPECT_FALSE(silent.accept()) << "it is not even connected to";
}

TEST_P(LinkSilence, WhereNothingListensIsFoundAtOnceAndLeftAlone) {
  const ObserverPtr observer = execute("i");
  EXPECT_LT(time_until([&] { return observer->ends > 0; }), milliseconds(100));
  EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
  expect_refused_at_once("j");
  start_worker();
  expect_refused_at_once("k");
  run_for(kShortestPause);
  lease_of("l");
  EXPECT_TRUE(run_until([this] { return executor_.released.size() == 3; }));
  EXPECT_THAT(executor_.released, UnorderedElementsAre(kept("i"), kept("j"), kept("k")));
}

TEST_P(LinkSilence, AFrozenWorkerIsLeftAloneUntilOneCallFindsItThawed) {
  start_worker();
  connect_before();
  frozen_ = true;
  expect_given_up(execute("i"));
  expect_refused_at_once("j");
  run_for(kShortestPause);
  const ObserverPtr probe = execute("probe");
  EXPECT_EQ(probe->ends, 0) << "one is sent to find out";
  expect_refused_at_once("k");
  frozen_ = false;
  ASSERT_TRUE(asked(2));
  // The call that was given up came with its end behind it: refused before it was executed.
  EXPECT_TRUE(run_until([this] { return executor_.asked.size() == 3; }));
  EXPECT_THAT(executor_.admitted, UnorderedElementsAre(true, true, false));
  for (const auto& each : executor_.asked) {
    if (each.allocation.instance == "probe") {
      each.finish();
    }
  }
  ASSERT_TRUE(ended(probe));
  EXPECT_TRUE(probe->execution);
  EXPECT_TRUE(run_until([this] { return executor_.released.size() == 3; }));
  EXPECT_THAT(executor_.released, UnorderedElementsAre(kept("i"), kept("j"), kept("k")))
      << "what it had offered is its own again";
  const ObserverPtr after = execute("l");
  EXPECT_EQ(after->ends, 0) << "it is used as before";
}

TEST_P(LinkSilence, ThePauseGrowsWhileItStaysSilent) {
  start_worker();
  frozen_ = true;
  expect_given_up(execute("a"));
  run_for(kShortestPause);
  expect_given_up(execute("b"));
  run_for(kShortestPause + milliseconds(20));
  expect_refused_at_once("c");
  run_for(kShortestPause);
  const ObserverPtr third = execute("d");
  EXPECT_EQ(third->ends, 0);
}

TEST_P(LinkSilence, ThePauseIsShortAgainAfterItHasAnswered) {
  start_worker();
  frozen_ = true;
  expect_given_up(execute("a"));
  run_for(kShortestPause);
  frozen_ = false;
  lease_of("probe");
  frozen_ = true;
  // Both fail together, and count once.
  const ObserverPtr one = execute("b");
  const ObserverPtr other = execute("c");
  expect_given_up(one);
  ASSERT_TRUE(ended(other));
  run_for(kShortestPause + milliseconds(20));
  const ObserverPtr probe = execute("d");
  EXPECT_EQ(probe->ends, 0);
}

TEST_P(LinkSilence, NothingIsExecutedForACallThatWasGivenUp) {
  start_worker();
  connect_before();
  frozen_ = true;
  const ObserverPtr observer = execute("i");
  expect_given_up(observer);
  frozen_ = false;
  ASSERT_TRUE(asked(2));
  EXPECT_THAT(executor_.admitted, ElementsAre(true, false));
  expect_no_more_ends(observer);
}

// From the last call on the worker hears that it is too late, and its refusal is heard.
TEST_P(LinkSilence, AWorkerThatComesBetweenLastCallAndTheEndRefuses) {
  start_worker();
  connect_before();
  frozen_ = true;
  const ObserverPtr observer = execute("i");
  ObserverPtr next;
  observer->when_ended = [&] { next = execute("next"); };
  run_for(kLastCall + milliseconds(30));
  ASSERT_EQ(observer->ends, 0);
  frozen_ = false;
  ASSERT_TRUE(ended(observer));
  EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
  // It has answered: nothing is paused. The connection of the last call carries nothing more.
  ASSERT_TRUE(asked(3));
  EXPECT_THAT(executor_.admitted, ElementsAre(true, false, true));
  executor_.asked[2].finish("1", /*reusable=*/false);
  ASSERT_TRUE(ended(next));
  EXPECT_TRUE(next->execution);
  EXPECT_EQ(host_->count("/leases"), 0) << "the worker itself has the first one's instance back";
}

TEST_P(LinkSilence, AnAdmissionInTimeIsGoodForAsLongAsTheCallTakes) {
  start_worker();
  connect_before();
  frozen_ = true;
  const ObserverPtr observer = execute("i");
  run_for(milliseconds(120));
  frozen_ = false;
  ASSERT_TRUE(asked(2));
  run_for(2 * kAdmission);
  EXPECT_EQ(observer->ends, 0);
  executor_.asked[1].finish();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->execution);
  EXPECT_TRUE(observer->lease);
}

// Far away, or busy: what has just answered is there, and the call itself has all the time.
TEST_P(LinkSilence, WhatTheConnectionTookIsNotTheCalls) {
  start_worker();
  frozen_ = true;
  const ObserverPtr observer = execute("i");
  run_for(kLastCall + milliseconds(20));
  frozen_ = false;
  executor_.admits_at_once = false;
  ASSERT_TRUE(asked(1));
  run_for(kLastCall / 2);
  EXPECT_TRUE(executor_.asked[0].admit());
  executor_.asked[0].finish();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->execution);
}

// The gateway's own loop was held up: the last call comes late, and the last word is waited for all the same.
TEST_P(LinkSilence, ALateLastCallStillLeavesTimeForAnAdmission) {
  start_worker();
  connect_before();
  frozen_ = true;
  const ObserverPtr observer = execute("i");
  here_.poll();  // the turn's end sends it
  base::Reactor elsewhere;
  base::run_for(elsewhere, kAdmission + milliseconds(50));
  here_.poll();
  EXPECT_EQ(observer->ends, 0) << "an admission may be on its way";
  frozen_ = false;
  ASSERT_TRUE(ended(observer));
  EXPECT_THAT(executor_.admitted, ElementsAre(true, false));
  expect_no_more_ends(observer);
}

TEST_P(LinkSilence, AnAdmissionThatLayUnreadIsHeard) {
  start_worker();
  connect_before();
  const ObserverPtr observer = execute("i");
  here_.poll();
  base::run_for(there_, kAdmission + milliseconds(50));
  ASSERT_EQ(executor_.admitted.size(), 2U);
  EXPECT_TRUE(executor_.admitted[1]);
  here_.poll();
  EXPECT_EQ(observer->ends, 0);
  executor_.asked[1].finish();
  ASSERT_TRUE(ended(observer));
  EXPECT_TRUE(observer->execution);
}

TEST_P(LinkSilence, ALargeBodyHasTheTimeThatItTakes) {
  start_worker();
  frozen_ = true;
  const auto observer = std::make_shared<EndObserver>();
  const auto body = std::make_shared<const std::string>(2'000'000, 'b');  // 200 ms more
  link_->execute(allocation("i"), {version(), "f", "r", body}, observer);
  const milliseconds took = time_until([&] { return observer->ends > 0; });
  EXPECT_GE(took, kAdmission + milliseconds(150));
  EXPECT_LE(took, kAdmission + milliseconds(200) + kSlack);
}

TEST_P(LinkSilence, ReleasesOfASilentWorkerAreNotWaitedFor) {
  start_worker();
  const model::Allocation lease = lease_of("i");
  frozen_ = true;
  link_->release(lease, ReleaseKind::kKeep);
  link_->take_back(lease);
  run_for(kAdmission + milliseconds(100));
  expect_refused_at_once("j");
  EXPECT_THAT(executor_.released, IsEmpty());
}

// A name that takes long to be found takes the same time as a worker that is silent.
TEST_P(LinkSilence, ALookUpIsPartOfTheTime) {
  std::promise<void> release = base::occupy(pool_);
  start_worker();
  model::Allocation named = allocation("i");
  named.worker_uri = uri_of(port_, "localhost");
  const ObserverPtr first = execute(named);
  const ObserverPtr second = execute(named);
  expect_given_up(first);
  ASSERT_TRUE(ended(second));
  EXPECT_EQ(execute(named)->refusal, Refusal::kNoAnswer) << "left alone";
  run_for(kShortestPause);
  const ObserverPtr probe = execute(named);
  release.set_value();
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(executor_.asked.size(), 1U);
  executor_.asked[0].finish();
  ASSERT_TRUE(ended(probe));
  EXPECT_EQ(first->ends, 1);
  EXPECT_EQ(second->ends, 1);
}

TEST_P(LinkSilence, ALookUpThatCannotBeginRefuses) {
  std::promise<void> release = base::occupy(pool_);
  while (pool_.submit([] {})) {
  }
  model::Allocation named = allocation("i");
  named.worker_uri = uri_of(port_, "localhost");
  const ObserverPtr observer = execute(named);
  EXPECT_EQ(observer->ends, 0) << "told from the loop";
  EXPECT_LT(time_until([&] { return observer->ends > 0; }), milliseconds(100));
  EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
  release.set_value();
}

}  // namespace
}  // namespace hearth::link
