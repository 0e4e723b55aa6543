// Messaging that takes a while to answer, as it does when it asks other loops: what happens meanwhile.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/testing/dispatcher_fixture.h"

namespace hearth::dispatch {
namespace {

class SlowMessagingTest : public DispatcherTest {
 protected:
  class Slow final : public messaging::Messaging {
   public:
    explicit Slow(messaging::Messaging& inner) : inner_(inner) {}
    void announce_warm(const model::VersionId& v, const model::Allocation& a) override {
      inner_.announce_warm(v, a);
    }
    void announce_cold(const model::Allocation& a) override { inner_.announce_cold(a); }
    void withdraw(const model::VersionId& v, const std::string& i) override { inner_.withdraw(v, i); }
    void take(const model::VersionId& /*version*/, std::uint32_t /*memory_mb*/, messaging::Reach /*reach*/,
              std::function<void(std::optional<messaging::Taken>)> done) override {
      asked.push_back(std::move(done));
    }
    void drop_version(const model::VersionId& v) override { inner_.drop_version(v); }
    void demand(const messaging::Demand& d, std::function<void(bool)> done) override {
      demanded.push_back(std::move(done));
      inner_.demand(d, [](bool) {});
    }
    void withdraw_demand(std::uint64_t id) override { inner_.withdraw_demand(id); }
    void on_announced(std::function<void(const model::VersionId&)> w) override {
      inner_.on_announced(std::move(w));
    }
    void on_handed_over(std::function<void(const model::VersionId&, const model::Allocation&)> u) override {
      hand_over = std::move(u);
    }

    std::vector<std::function<void(std::optional<messaging::Taken>)>> asked;
    std::vector<std::function<void(bool)>> demanded;
    std::function<void(const model::VersionId&, const model::Allocation&)> hand_over;

   private:
    messaging::Messaging& inner_;
  };

  SlowMessagingTest() { make_slow({}); }
  void make_slow(DispatcherOptions options) {
    dispatcher_.reset();
    dispatcher_ = std::make_unique<Dispatcher>(options, slow_, link_, loop_);
  }
  void found(const std::string& instance, std::size_t search = 0) {
    slow_.asked.at(search)(messaging::Taken{{"inproc:", instance, 0, 1, 128}, messaging::Source::kCold});
  }
  void nothing_found(std::size_t search) { slow_.asked.at(search)(std::nullopt); }

  Slow slow_{messaging_};
};

TEST_F(SlowMessagingTest, ACallerThatLeavesMeanwhileCostsNoInstance) {
  const CallId call = invoke();
  dispatcher_->abandon(call);
  found("a");
  EXPECT_TRUE(link_.running.empty());
  ASSERT_EQ(link_.released.size(), 1U);
  EXPECT_EQ(link_.released[0], std::pair(std::string("a"), model::ReleaseKind::kKeep));
  EXPECT_EQ(answers_[0], "");
}

TEST_F(SlowMessagingTest, ACallerThatLeavesMeanwhileWaitsForNothing) {
  const CallId call = invoke();
  dispatcher_->abandon(call);
  slow_.asked.at(0)(std::nullopt);
  EXPECT_EQ(dispatcher_->calls_waiting(), 0U);
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(SlowMessagingTest, ADrainMeanwhileEndsTheCall) {
  invoke();
  dispatcher_->drain();
  found("a");
  EXPECT_EQ(answers_[0], "shutting_down");
  EXPECT_TRUE(link_.running.empty());
  EXPECT_EQ(link_.released.size(), 1U);
}

TEST_F(SlowMessagingTest, OfAVersionThatWasRetiredMeanwhileNoInstanceStays) {
  invoke();
  dispatcher_->retire("v", /*deleted=*/false);
  found("a");
  link_.finish(true);
  EXPECT_EQ(answers_[0], "ran on a");
  ASSERT_EQ(link_.released.size(), 1U);
  EXPECT_EQ(link_.released[0], std::pair(std::string("a"), model::ReleaseKind::kRemove));
}

TEST_F(SlowMessagingTest, OfAFunctionThatWasDeletedMeanwhileNothingIsStarted) {
  invoke();
  dispatcher_->retire("v", /*deleted=*/true);
  found("a");
  EXPECT_EQ(answers_[0], "not_found");
  EXPECT_TRUE(link_.running.empty());
  EXPECT_EQ(link_.released.size(), 1U);
}

TEST_F(SlowMessagingTest, NoMoreStartsThanCoresThoughAllLookedAtOnce) {
  for (int i = 0; i < 3; ++i) {
    invoke();
  }
  found("a", 0);
  found("b", 1);
  found("c", 2);
  EXPECT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.released.size(), 2U) << "given back";
  for (std::size_t search = 3; search < slow_.asked.size(); ++search) {
    nothing_found(search);  // nor is anything warm
  }
  link_.finish(true);
  link_.finish();
  link_.finish();
  EXPECT_EQ(answers_, std::vector<std::string>(3, "ran on a"));
}

TEST_F(SlowMessagingTest, WhatHasBecomeIdleMeanwhileIsUsedInstead) {
  invoke();
  invoke();
  found("a", 0);
  link_.finish(true);
  found("b", 1);
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation.instance, "a");
}

TEST_F(SlowMessagingTest, ThoughNothingWasFoundWhatHasBecomeIdleIsUsed) {
  invoke();
  invoke();
  found("a", 0);
  link_.finish(true);
  nothing_found(1);
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation.instance, "a");
}

TEST_F(SlowMessagingTest, WhatCameDuringALateNoIsUsed) {
  invoke();
  nothing_found(0);
  slow_.demanded.at(0)(false);
  ASSERT_EQ(slow_.asked.size(), 2U) << "it looks once more before it gives up";
  found("a", 1);
  link_.finish();
  EXPECT_EQ(answers_[0], "ran on a");
}

TEST_F(SlowMessagingTest, AfterALateNoAndALastLookTheCallerIsTold) {
  invoke();
  nothing_found(0);
  slow_.demanded.at(0)(false);
  EXPECT_EQ(answers_[0], "") << "the last look is not answered yet";
  nothing_found(1);
  EXPECT_EQ(answers_[0], "no_capacity");
}

TEST_F(SlowMessagingTest, WhateverIsAnnouncedMeanwhileIsOneMoreQuestion) {
  invoke();
  nothing_found(0);
  for (int i = 0; i < 5; ++i) {
    messaging_.announce_cold({"w", "gone already", 0, 1, 1024});
    loop_.run_posted();
  }
  EXPECT_EQ(slow_.asked.size(), 2U) << "one is under way";
  nothing_found(1);
  EXPECT_EQ(slow_.asked.size(), 3U) << "it may have been asked too early";
  nothing_found(2);
  EXPECT_EQ(slow_.asked.size(), 3U);
  messaging_.announce_cold({"w", "a", 0, 1, 1024});
  loop_.run_posted();
  found("a", 3);
  link_.finish();
  EXPECT_EQ(answers_[0], "ran on a");
}

TEST_F(SlowMessagingTest, ARefusedCallOfAFunctionThatWasDeletedIsTold) {
  invoke();
  found("a");
  dispatcher_->retire("v", /*deleted=*/true);
  link_.running[0].observer->refused(model::Refusal::kGone);
  nothing_found(1);
  EXPECT_EQ(answers_[0], "not_found");
}

TEST_F(SlowMessagingTest, ALateNoLeavesAWaitingCallInItsPlace) {
  DispatcherOptions options;
  options.queue_timeout = std::chrono::seconds(3);
  make_slow(options);
  invoke();
  nothing_found(0);
  invoke();
  nothing_found(1);
  slow_.demanded.at(0)(false);
  slow_.hand_over("v", {"far", "x", 0, 1, 128});
  link_.finish();
  EXPECT_EQ(answers_, (std::vector<std::string>{"ran on x", ""}));
  loop_.advance(std::chrono::seconds(3));
  EXPECT_EQ(answers_[1], "no_capacity");
}

TEST_F(SlowMessagingTest, WhatIsHandedOverAndNoLongerNeededGoesBack) {
  slow_.hand_over("v", {"far", "x", 0, 1, 128});
  invoke();
  nothing_found(0);
  slow_.hand_over("w", {"far", "y", 0, 1, 128});
  EXPECT_EQ(link_.released, (std::vector<std::pair<std::string, model::ReleaseKind>>{
                                {"x", model::ReleaseKind::kKeep}, {"y", model::ReleaseKind::kKeep}}));
}

TEST_F(DispatcherTest, ALeaseThatIsFarGoesBackAtOnce) {
  messaging_.announce_warm("v", {"far", "a", 0, 1, 1024});
  invoke();
  link_.finish();
  EXPECT_EQ(answers_[0], "ran on a");
  ASSERT_EQ(link_.released.size(), 1U);
  EXPECT_EQ(link_.released[0], std::pair(std::string("a"), model::ReleaseKind::kKeep));
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
  EXPECT_EQ(loop_.pending_timers(), 0U);
}

TEST_F(DispatcherTest, NobodyWaitsForAFarInstance) {
  messaging_.announce_warm("v", {"far", "a", 0, 2, 128});
  for (int i = 0; i < 30; ++i) {  // recent calls were short
    invoke();
    link_.finish(false, true, 10);
    messaging_.announce_warm("v", {"far", "a", 0, 2, 128});
  }
  invoke();
  cold("b");
  invoke();
  ASSERT_EQ(link_.running.size(), 2U);
  EXPECT_EQ(link_.running[1].allocation.instance, "b");
}

}  // namespace
}  // namespace hearth::dispatch
