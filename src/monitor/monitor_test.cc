#include "monitor/monitor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "base/manual_event_loop.h"
#include "base/reactor.h"

namespace hearth::monitor {
namespace {

using model::Member;
using model::MemberRole;
using model::MemberState;
using std::chrono::milliseconds;

class PlayedDirectory final : public messaging::MemberDirectory {
 public:
  void publish(const Member& /*card*/, Published done) override { done(true); }
  void list(Listed done) override { done(std::vector<Member>()); }
  void drop_entries(const std::string& uri, Dropped done) override {
    dropped.push_back(uri);
    done(answer);
  }

  std::vector<std::string> dropped;
  base::Result<std::size_t> answer = std::size_t{7};
};

Member worker(const std::string& id, const std::string& uri) {
  Member made{id, MemberRole::kWorker, MemberState::kServing, uri, "1", 0, 1, {}, {}};
  made.worker.emplace();
  return made;
}

TEST(Monitor, TakesAwayWhatALostWorkerHadAnnounced) {
  base::ManualEventLoop loop;
  base::BlockingPool pool(1, 1);
  PlayedDirectory directory;
  Monitor monitor(milliseconds(1), {loop, pool, directory, [] { return base::Result<void>(); }});
  Member gateway{"gateway-1", MemberRole::kGateway, MemberState::kServing, "", "1", 0, 1, {}, {}};
  monitor.looked({worker("a", "http://a:1"), worker("b", "http://b:1"), gateway});
  EXPECT_EQ(monitor.counts().members, 3U);
  for (int i = 0; i < kMissedLooksOfTheLost; ++i) {
    monitor.looked({worker("c", "http://b:1")});
  }
  EXPECT_EQ(directory.dropped, std::vector<std::string>{"http://a:1"}) << "b's place is another's";
  EXPECT_EQ(monitor.counts(), (MonitorCounts{1, 2, 7, 0, 0}));
  directory.answer = base::Error{base::ErrorCode::kUnavailable, "nobody answers"};
  for (int i = 0; i < kMissedLooksOfTheLost; ++i) {
    monitor.looked({});
  }
  EXPECT_EQ(monitor.counts(), (MonitorCounts{0, 3, 7, 0, 0}));
}

TEST(Monitor, SweepsTheCodeAgainAndAgainAlsoAfterAFailure) {
  base::Reactor loop;
  PlayedDirectory directory;
  std::atomic<int> sweeps = 0;
  base::BlockingPool pool(1, 1);
  Monitor monitor(milliseconds(1), {loop, pool, directory, [&sweeps]() -> base::Result<void> {
                                      if (++sweeps == 2) {
                                        return base::Error{base::ErrorCode::kUnavailable, "away"};
                                      }
                                      return {};
                                    }});
  monitor.start();
  const auto until = base::Clock::now() + std::chrono::seconds(10);
  while (monitor.counts().code_sweeps < 3 && base::Clock::now() < until) {
    loop.run_one_until(until);
  }
  EXPECT_GE(monitor.counts().code_sweeps, 3U);
  EXPECT_EQ(monitor.counts().code_sweeps_failed, 1U);
}

}  // namespace
}  // namespace hearth::monitor
