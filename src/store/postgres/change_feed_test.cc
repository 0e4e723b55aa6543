#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "base/testing/tcp_proxy.h"
#include "store/postgres/postgres_change_feed.h"
#include "store/postgres/testing/postgres_server.h"
#include "store/postgres/testing/store_under_test.h"

namespace hearth::store::postgres {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class PostgresFeed : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    store_ = std::make_unique<PostgresUnderTest>();
    feed_ = std::make_unique<PostgresChangeFeed>(store_->parts().pool, "here");
  }

  FunctionStore& functions() { return store_->functions(); }
  std::vector<FunctionChange> next(std::uint64_t after, milliseconds timeout = seconds(10)) {
    auto changes = feed_->next(after, timeout);
    EXPECT_TRUE(changes.ok()) << changes.error().message;
    return changes ? *changes : std::vector<FunctionChange>();
  }

  std::unique_ptr<PostgresUnderTest> store_;
  std::unique_ptr<PostgresChangeFeed> feed_;
};

TEST_F(PostgresFeed, TellsWhatWasCreatedChangedAndRemoved) {
  EXPECT_EQ(*feed_->position(), 0U);
  model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  EXPECT_EQ(next(0), (std::vector<FunctionChange>{{1, function.id, function}}));
  EXPECT_EQ(*feed_->position(), 1U);
  function.current = sample_version(function);
  function.updated_ms += 5;
  ++function.revision;
  ASSERT_TRUE(functions().add_version(function.current, function.updated_ms).ok());
  EXPECT_EQ(next(1), (std::vector<FunctionChange>{{2, function.id, function}}));
  const auto aliased = functions().change(function.id, model::Alias{"live", 1, model::Canary{2, 5}, 0}, 7);
  ASSERT_TRUE(aliased.ok());
  EXPECT_EQ(next(2), (std::vector<FunctionChange>{{3, function.id, *aliased}}));
  const auto without = functions().change(function.id, model::RemovedAlias{"live"}, 8);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(next(3), (std::vector<FunctionChange>{{4, function.id, *without}}));
  ASSERT_TRUE(functions().remove(function.id).ok());
  EXPECT_EQ(next(4), (std::vector<FunctionChange>{{5, function.id, std::nullopt}}));
  EXPECT_EQ(next(0), (std::vector<FunctionChange>{{5, function.id, std::nullopt}})) << "the last of each";
}

TEST_F(PostgresFeed, AChangeThatWasRefusedIsNone) {
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  ASSERT_FALSE(functions().create(sample_function(1)).ok());
  EXPECT_EQ(next(1, milliseconds(0)).size(), 0U);
}

TEST_F(PostgresFeed, WhoWaitsIsWokenByTheChange) {
  std::thread other([this] { EXPECT_TRUE(functions().create(sample_function(1)).ok()); });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(next(0, seconds(30)).size(), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
  other.join();
}

TEST_F(PostgresFeed, EachKindOfChangeNotifies) {
  const auto listener = Connection::connect(store_->url(), {});
  ASSERT_TRUE(listener.ok());
  ASSERT_TRUE((*listener)->run_text("LISTEN hearth_changes").ok());
  const auto notified = [&] { return *(*listener)->wait_for_notification(seconds(10), /*wake=*/-1); };
  const model::Function function = sample_function(1);
  ASSERT_TRUE(functions().create(function).ok());
  EXPECT_TRUE(notified());
  ASSERT_TRUE(functions().add_version(sample_version(function), 5).ok());
  EXPECT_TRUE(notified());
  ASSERT_TRUE(functions().change(function.id, model::Alias{"live", 1, std::nullopt, 0}, 6).ok());
  EXPECT_TRUE(notified());
  ASSERT_TRUE(functions().change(function.id, model::RemovedAlias{"live"}, 7).ok());
  EXPECT_TRUE(notified());
  ASSERT_TRUE(functions().remove(function.id).ok());
  EXPECT_TRUE(notified());
}

TEST_F(PostgresFeed, AnInterruptEndsTheWait) {
  std::thread other([this] { feed_->interrupt(); });
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(next(0, seconds(30)).size(), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
  other.join();
}

TEST_F(PostgresFeed, ChangesOfFourWritersAreSeenAllWhoeverCommitsFirst) {
  constexpr int kEach = 20;
  std::vector<std::jthread> writers;  // joined also when an expectation fails
  writers.reserve(4);
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([this, writer] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(functions().create(sample_function(1 + writer * kEach + i)).ok());
      }
    });
  }
  std::set<std::string> seen;
  std::uint64_t after = 0;
  while (seen.size() < 4 * kEach) {
    const auto changes = next(after);
    ASSERT_FALSE(changes.empty()) << "one was missed: seen " << seen.size();
    for (const FunctionChange& change : changes) {
      EXPECT_GT(change.sequence, after);
      after = change.sequence;
      seen.insert(change.id);
    }
  }
  EXPECT_EQ(after, 4U * kEach);
}

TEST_F(PostgresFeed, AfterARestartOfTheServerItGoesOnWhereItWas) {
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  EXPECT_EQ(next(0).size(), 1U);
  PostgresServer::shared().kill();
  const auto down = feed_->next(1, seconds(10));
  ASSERT_FALSE(down.ok());
  EXPECT_EQ(down.error().code, ErrorCode::kUnavailable);
  PostgresServer::shared().start();
  const auto deadline = std::chrono::steady_clock::now() + seconds(2);
  bool created = false;
  while (!created && std::chrono::steady_clock::now() < deadline) {
    created = functions().create(sample_function(2)).ok();  // refused until the pool's pause is over
  }
  ASSERT_TRUE(created);
  EXPECT_EQ(next(1).size(), 1U);
}

TEST_F(PostgresFeed, WaitsForWhoeverLivesAndHasNotConfirmed) {
  PostgresChangeFeed there(store_->parts().pool, "there");
  ASSERT_TRUE(feed_->confirm(0).ok());
  ASSERT_TRUE(there.confirm(0).ok());
  EXPECT_TRUE(feed_->await_followers().ok()) << "nothing has changed";
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  ASSERT_TRUE(feed_->confirm(1).ok());
  std::atomic<bool> used{false};
  std::jthread waiting([&] {
    EXPECT_TRUE(feed_->await_followers().ok());
    used = true;
  });
  EXPECT_EQ(there.next(0, seconds(10))->size(), 1U);
  EXPECT_FALSE(used);
  ASSERT_TRUE(there.confirm(1).ok());
  const auto begun = std::chrono::steady_clock::now();
  waiting.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(1'000)) << "not for the lease's end";
}

TEST_F(PostgresFeed, WaitsNoLongerThanTheLeaseOfWhoeverIsSilentAndNotForWhoLeft) {
  PostgresChangeFeed silent(store_->parts().pool, "silent");
  ASSERT_TRUE(silent.confirm(0).ok());
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(feed_->await_followers().ok());
  const auto waited = std::chrono::steady_clock::now() - begun;
  EXPECT_GT(waited, milliseconds(1'500));
  EXPECT_LT(waited, milliseconds(3'500));
  ASSERT_TRUE(functions().create(sample_function(2)).ok());
  begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(feed_->await_followers().ok());
  PostgresChangeFeed another(store_->parts().pool, "another");
  EXPECT_TRUE(another.await_followers().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(1'000)) << "one has waited for all";
  ASSERT_TRUE(silent.confirm(0).ok());
  silent.leave();
  begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(feed_->await_followers().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(1'000));
}

// As after a correction of the database's clock, back and forth.
TEST_F(PostgresFeed, WhatTheDatabasesClockSaysOfALeaseIsOfNoImportance) {
  PostgresChangeFeed past(store_->parts().pool, "past");
  PostgresChangeFeed future(store_->parts().pool, "future");
  ASSERT_TRUE(past.confirm(0).ok());
  ASSERT_TRUE(future.confirm(0).ok());
  EXPECT_TRUE(feed_->await_followers().ok()) << "from now on the store has served for long enough";
  const auto renewed = [this](const std::string& who, const std::string& change) {
    const std::string sql = "UPDATE followers SET renewed_at = renewed_at " + change + " WHERE id = '" + who;
    ASSERT_TRUE((*store_->parts().pool.borrow())->run_text(sql + "'").ok());
  };
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  ASSERT_TRUE(future.confirm(1).ok());
  renewed("past", "- interval '1 hour'");
  renewed("future", "+ interval '1 hour'");
  auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(feed_->await_followers().ok());
  EXPECT_GT(std::chrono::steady_clock::now() - begun, milliseconds(1'500)) << "the one may live";
  ASSERT_TRUE(functions().create(sample_function(2)).ok());
  begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(feed_->await_followers().ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(1'000)) << "the other does not";
}

TEST_F(PostgresFeed, WhoConfirmsIsToldWhatThereIsAndThatTheStoreIsAnotherOne) {
  EXPECT_EQ(*feed_->confirm(0), 0U);
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  EXPECT_EQ(*feed_->confirm(0), 1U) << "it may have been acknowledged before we were heard";
  EXPECT_EQ(*feed_->confirm(1), 1U);
  const auto other = feed_->confirm(2);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kGone);
}

// Whose lease has run out may serve on for as long as the store refuses everybody.
TEST_F(PostgresFeed, NothingIsAcknowledgedOverASilentServerWhileTheStoreTakesNoNewcomers) {
  PostgresChangeFeed silent(store_->parts().pool, "silent");
  ASSERT_TRUE(silent.confirm(0).ok());
  ASSERT_TRUE(feed_->confirm(0).ok());
  PostgresServer::shared().take_no_newcomers();
  EXPECT_TRUE(silent.refuses_everybody());
  ASSERT_TRUE(functions().create(sample_function(1)).ok()) << "those it had are served";
  ASSERT_TRUE(feed_->confirm(1).ok());
  const auto used = feed_->await_followers();
  PostgresServer::shared().kill();
  PostgresServer::shared().start();
  ASSERT_FALSE(used.ok());
  EXPECT_EQ(used.error().code, ErrorCode::kUnavailable);
}

TEST_F(PostgresFeed, NothingIsAcknowledgedBeforeTheStoreHasServedForLongerThanALease) {
  EXPECT_FALSE(feed_->refuses_everybody()) << "where it is is not known yet";
  EXPECT_EQ(*feed_->position(), 0U);
  EXPECT_FALSE(feed_->refuses_everybody());
  PostgresServer::shared().kill();
  EXPECT_TRUE(feed_->refuses_everybody());
  const auto begun = std::chrono::steady_clock::now();
  PostgresServer::shared().start();
  EXPECT_FALSE(feed_->refuses_everybody());
  const auto deadline = std::chrono::steady_clock::now() + seconds(2);
  while (!store_->parts().pool.borrow() && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_TRUE(feed_->await_followers().ok()) << "of which there are none";
  EXPECT_GT(std::chrono::steady_clock::now() - begun, kFollowerLease);
}

TEST_F(PostgresFeed, BehindAProxyARefusalMayBeForThisServerAlone) {
  base::TcpProxy proxy(PostgresServer::shared().port());
  Pool pool({PostgresServer::shared().through(store_->url(), proxy.port()), 1, {}});
  PostgresChangeFeed feed(pool, "behind");
  EXPECT_EQ(*feed.position(), 0U);
  proxy.refuse();
  EXPECT_FALSE(feed.next(0, milliseconds(0)).ok());
  EXPECT_FALSE(feed.refuses_everybody());
  proxy.forward();
  EXPECT_TRUE(feed.next(0, milliseconds(0)).ok());
}

TEST_F(PostgresFeed, SaysWhenTheChangesAreNoLongerKeptOrOfAnotherStore) {
  ASSERT_TRUE(functions().create(sample_function(1)).ok());
  EXPECT_EQ(feed_->next(2, milliseconds(0)).error().code, ErrorCode::kGone);
  ASSERT_TRUE((*store_->parts().pool.borrow())->run_text("UPDATE changes SET sequence = 200000").ok());
  ASSERT_TRUE(functions().create(sample_function(2)).ok());
  EXPECT_EQ(feed_->next(1, milliseconds(0)).error().code, ErrorCode::kGone);
  EXPECT_EQ(next(199'999).size(), 2U);
  ASSERT_TRUE((*store_->parts().pool.borrow())
                  ->run_text("UPDATE changes SET sequence = 300001 WHERE sequence = 200001")
                  .ok());
  ASSERT_TRUE(functions().create(sample_function(3)).ok());
  EXPECT_EQ(feed_->next(200'000, milliseconds(0)).error().code, ErrorCode::kGone) << "the oldest went";
}

}  // namespace
}  // namespace hearth::store::postgres
