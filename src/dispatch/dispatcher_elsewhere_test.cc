// A dispatcher whose instances are on other hosts: how many of them it keeps at work, and how long calls
// stand behind one another there.
#include <gtest/gtest.h>

#include "dispatch/testing/dispatcher_fixture.h"

namespace hearth::dispatch {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kTinyUs = 2;
constexpr std::int64_t kShortUs = 40;
constexpr std::int64_t kLongUs = 1'000;

class ElsewhereTest : public DispatcherTest {
 protected:
  void warm(int instances, std::int64_t handler_us) {
    DispatcherOptions options;
    options.cores = 1;
    options.instances_here = false;
    DispatcherTest::warm(options, "http://w:1", instances, handler_us);
    link_.takes_behind = true;
  }
  void invoke_several(int calls) {
    for (int i = 0; i < calls; ++i) {
      invoke();
    }
  }
};

TEST_F(ElsewhereTest, CallsThatTakeLessThanThisLoopsPartNeedOneInstance) {
  warm(4, kTinyUs);
  invoke_several(8);
  EXPECT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.behind.size(), 7U);
}

TEST_F(ElsewhereTest, LongerOnesHaveAsManyAsThisLoopCanGiveWorkWhateverItsOwnCores) {
  warm(8, kShortUs);
  invoke_several(16);
  EXPECT_EQ(link_.running.size(), 5U) << "45 us in an instance, 10 here";
  EXPECT_EQ(link_.behind.size(), 11U);
}

TEST_F(ElsewhereTest, AHandlerThatMayBeWaitingGetsAnotherInstanceAtOnce) {
  warm(6, kLongUs);
  invoke_several(6);
  EXPECT_EQ(link_.running.size(), 6U);
  EXPECT_TRUE(link_.behind.empty());
}

TEST_F(ElsewhereTest, ABusyWayThereIsNoReasonToTakeCallsBack) {
  warm(1, kTinyUs);
  invoke_several(3);
  loop_.advance(milliseconds(4));
  EXPECT_TRUE(link_.taken_back.empty());
  EXPECT_EQ(link_.behind.size(), 2U);
  loop_.advance(milliseconds(2));
  EXPECT_EQ(link_.taken_back.size(), 1U) << "the first is a long one";
  EXPECT_TRUE(link_.behind.empty());
}

TEST_F(ElsewhereTest, ThoseThatWereTakenBackGetInstancesOfTheirOwn) {
  warm(3, kTinyUs);
  invoke_several(3);
  loop_.advance(milliseconds(20));
  EXPECT_EQ(link_.running.size(), 3U);
}

// The worker had ended all it knew of when it answered; the others come after that.
TEST_F(ElsewhereTest, ALeaseThatComesWhileCallsAreOnTheirWayIsTheirs) {
  warm(1, kTinyUs);
  invoke_several(3);
  ASSERT_EQ(link_.behind.size(), 2U);
  const model::Allocation first = link_.running[0].allocation;
  link_.finish(false, true, kTinyUs);
  EXPECT_EQ(dispatcher_->leases_idle(), 0U);
  invoke();
  EXPECT_TRUE(link_.running.empty());
  ASSERT_EQ(link_.behind.size(), 3U);
  EXPECT_EQ(link_.behind[2].allocation.epoch, first.epoch + 1)
      << "behind what those before it are executed on";
  link_.behind[0].observer->done({{model::OutcomeKind::kReturned, "1", {}}, "a", {}, {}}, std::nullopt);
  link_.behind[1].observer->done({{model::OutcomeKind::kReturned, "1", {}}, "a", {}, {}}, std::nullopt);
  auto last = first;
  last.epoch += 2;
  link_.behind[2].observer->done({{model::OutcomeKind::kReturned, "1", {}}, "a", {}, {}}, last);
  EXPECT_EQ(dispatcher_->leases_idle(), 1U);
  EXPECT_TRUE(link_.released.empty());
  invoke();
  ASSERT_EQ(link_.running.size(), 1U);
  EXPECT_EQ(link_.running[0].allocation, last);
}

TEST_F(ElsewhereTest, ALeaseThatNoneOfThemUsesIsKept) {
  warm(1, kTinyUs);
  invoke_several(2);
  ASSERT_EQ(link_.behind.size(), 1U);
  const model::Allocation first = link_.running[0].allocation;
  link_.finish(false, true, kTinyUs);
  link_.behind[0].observer->refused(model::Refusal::kBusy);
  ASSERT_EQ(link_.running.size(), 1U) << "it is executed on it at once";
  EXPECT_EQ(link_.running[0].allocation.epoch, first.epoch + 1);
  link_.finish(false, true, kTinyUs);
  EXPECT_EQ(answers_.back(), "ran on a");
  EXPECT_EQ(dispatcher_->leases_idle(), 1U);
}

TEST_F(ElsewhereTest, NobodyIsPutBehindAgainWhereTheWorkerDoesNotAnswer) {
  warm(2, kTinyUs);
  invoke();
  link_.takes_behind = false;
  link_.refuses_behind_with = model::Refusal::kNoAnswer;
  invoke();
  EXPECT_EQ(answers_.back(), "") << "it waits: the first call's answer may come";
  loop_.advance(milliseconds(20));
  ASSERT_EQ(link_.running.size(), 2U) << "and goes elsewhere";
  EXPECT_NE(link_.running[1].allocation.instance, link_.running[0].allocation.instance);
}

TEST_F(ElsewhereTest, ABodyThatIsTooLargeForTheWorkerIsTheCallersMistake) {
  warm(1, kTinyUs);
  link_.gone_next = 1;
  link_.refuses_with = model::Refusal::kTooLarge;
  invoke();
  EXPECT_EQ(answers_.back(), "payload_too_large") << "nobody else is asked";
}

}  // namespace
}  // namespace hearth::dispatch
