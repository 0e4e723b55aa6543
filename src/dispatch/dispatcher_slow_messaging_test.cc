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
    void take(const model::VersionId& /*version*/, std::uint32_t /*memory_mb*/,
              std::function<void(std::optional<messaging::Taken>)> done) override {
      asked.push_back(std::move(done));
    }
    void drop_version(const model::VersionId& v) override { inner_.drop_version(v); }
    void demand(const messaging::Demand& d, std::function<void(bool)> done) override {
      inner_.demand(d, std::move(done));
    }
    void withdraw_demand(std::uint64_t id) override { inner_.withdraw_demand(id); }
    void on_announced(std::function<void(const model::VersionId&)> w) override {
      inner_.on_announced(std::move(w));
    }

    std::vector<std::function<void(std::optional<messaging::Taken>)>> asked;

   private:
    messaging::Messaging& inner_;
  };

  SlowMessagingTest() {
    dispatcher_.reset();
    dispatcher_ = std::make_unique<Dispatcher>(DispatcherOptions{}, slow_, link_, loop_);
  }
  void found(const std::string& instance) {
    slow_.asked.at(0)(messaging::Taken{{"inproc:", instance, 0, 1, 128}, messaging::Source::kCold});
  }

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

}  // namespace
}  // namespace hearth::dispatch
