#include "base/reactor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hearth::base {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }
  UniqueFd near, far;
};

void write_to(const UniqueFd& fd, const char* text) {
  EXPECT_EQ(::write(fd.get(), text, std::char_traits<char>::length(text)),
            static_cast<ssize_t>(std::char_traits<char>::length(text)));
}

TEST(Reactor, RunsTimersAndPostsFromAnotherThread) {
  Reactor loop;
  std::string order;
  loop.at(loop.now() + milliseconds(6), [&] {
    order += "2";
    loop.stop();
  });
  loop.at(loop.now() + milliseconds(2), [&] { order += "1"; });
  loop.cancel(loop.at(loop.now() + milliseconds(1), [&] { order += "!"; }));
  std::thread other([&] { loop.post([&] { order += "p"; }); });
  loop.run();
  other.join();
  loop.poll();
  EXPECT_EQ(order.size(), 3U);
  EXPECT_LT(order.find('1'), order.find('2'));
  EXPECT_NE(order.find('p'), std::string::npos);
}

TEST(Reactor, ATimerIsOnTime) {
  Reactor loop;
  const TimePoint due = loop.now() + microseconds(700);
  std::optional<TimePoint> ran;
  loop.at(due, [&] { ran = loop.now(); });
  while (!ran) {
    loop.run_one_until(TimePoint::max());
  }
  EXPECT_GE(*ran, due - microseconds(20));
}

TEST(Reactor, TellsEachEdgeOnce) {
  Reactor loop;
  const Pair pair;
  int readable = 0;
  const auto watch =
      loop.watch(pair.near.get(), [&](Readiness ready) { readable += ready.readable ? 1 : 0; });
  write_to(pair.far, "a");
  loop.poll();
  EXPECT_EQ(readable, 1);
  loop.poll();
  EXPECT_EQ(readable, 1) << "unread bytes are no new edge";
  write_to(pair.far, "b");
  loop.poll();
  EXPECT_EQ(readable, 2);
}

TEST(Reactor, TellsWhatIsReadyAlready) {
  Reactor loop;
  const Pair pair;
  write_to(pair.far, "a");
  Readiness seen;
  const auto watch = loop.watch(pair.near.get(), [&](Readiness ready) { seen = ready; });
  loop.poll();
  EXPECT_TRUE(seen.readable);
  EXPECT_TRUE(seen.writable);
  EXPECT_FALSE(seen.ended);
}

TEST(Reactor, TellsThePeersEnd) {
  Reactor loop;
  Pair pair;
  bool ended = false;
  const auto watch = loop.watch(pair.near.get(), [&](Readiness ready) { ended = ended || ready.ended; });
  loop.poll();
  pair.far.reset();
  loop.poll();
  EXPECT_TRUE(ended);
}

TEST(Reactor, AWatchMayEndItselfAndAnotherInTheSameTurn) {
  Reactor loop;
  const Pair first;
  const Pair second;
  Reactor::Watch watches[2];
  int told = 0;
  const auto end_both = [&](Readiness) {
    ++told;
    watches[0].stop();
    watches[1].stop();
  };
  watches[0] = loop.watch(first.near.get(), end_both);
  watches[1] = loop.watch(second.near.get(), end_both);
  loop.poll();
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(watches[0].active());
}

TEST(Reactor, WhatIsPostedByACallbackRunsOnALaterTurn) {
  Reactor loop;
  int ran = 0;
  std::function<void()> again = [&] {
    if (++ran < 3) {
      loop.post(again);
    }
  };
  loop.post(again);
  loop.run_one_until(TimePoint::min());
  EXPECT_EQ(ran, 1);
  loop.poll();
  EXPECT_EQ(ran, 3);
}

TEST(Reactor, StopsFromAnotherThread) {
  Reactor loop;
  std::thread runner([&] { loop.run(); });
  loop.post([] {});
  loop.stop();
  runner.join();
}

TEST(Reactor, LooksBetweenOthersInALongTurn) {
  Reactor loop;
  const std::vector<Pair> others(40);
  const Pair between;
  int told = 0;
  int looks = 0;
  auto watched = loop.watch(between.near.get(), [&](Readiness) { ++looks; });
  std::vector<Reactor::Watch> watches;
  for (const Pair& other : others) {
    watches.push_back(loop.watch(other.near.get(), [&](Readiness) { ++told; }));
  }
  loop.poll();  // all are writable
  const auto looks_of_a_turn = [&] {
    told = looks = 0;
    for (const Pair& other : others) {
      write_to(other.far, "a");
    }
    loop.poll();
    EXPECT_EQ(told, 40);
    return looks;
  };
  EXPECT_EQ(looks_of_a_turn(), 0) << "nobody asked for it";
  watched.look_between(true);
  EXPECT_EQ(looks_of_a_turn(), 5) << "after each eight";
  watched.look_between(false);
  EXPECT_EQ(looks_of_a_turn(), 0);
  watched.look_between(true);
  watched.stop();
  EXPECT_EQ(looks_of_a_turn(), 0);
}

TEST(Reactor, CountsWhatOtherThreadsPostAndNothingElse) {
  Reactor reactor;
  reactor.poll();  // this thread's from now on
  reactor.post([] {});
  reactor.at(reactor.now(), [] {});
  reactor.poll();
  EXPECT_EQ(reactor.messages(), 0U);
  std::thread([&reactor] { reactor.post([] {}); }).join();
  reactor.poll();
  EXPECT_EQ(reactor.messages(), 1U);
}

TEST(Reactor, DiscardsWhatNeverRan) {
  Reactor reactor;
  reactor.poll();
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = held;
  std::thread([&reactor, held = std::move(held)] { reactor.post([held] {}); }).join();
  reactor.post([] { ADD_FAILURE() << "ran"; });
  EXPECT_EQ(reactor.discard_posted(), 2U);
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(reactor.discard_posted(), 0U);
  reactor.poll();
}

TEST(Spin, LooksAgainWhileEventsComeSoonAndACoreIsFree) {
  bool core_is_free = true;
  Spin spin({microseconds(60), [&] { return core_is_free; }});
  EXPECT_EQ(spin.budget(), microseconds(60));
  core_is_free = false;
  EXPECT_EQ(spin.budget(), microseconds(0));
  core_is_free = true;
  for (int i = 0; i < 5; ++i) {
    spin.waited(microseconds(50'000));
  }
  EXPECT_EQ(spin.budget(), microseconds(0)) << "events are far apart";
  for (int i = 0; i < 20; ++i) {
    spin.waited(microseconds(20));
  }
  EXPECT_EQ(spin.budget(), microseconds(60)) << "they come soon again";
}

TEST(Spin, NeverWithoutALimit) {
  Spin spin({microseconds(0), [] { return true; }});
  EXPECT_FALSE(spin.enabled());
  EXPECT_EQ(spin.budget(), microseconds(0));
}

}  // namespace
}  // namespace hearth::base
