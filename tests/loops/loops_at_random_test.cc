// Several loops with all that can happen to their calls, in an order that chance gives: whatever it is, each
// call is answered once, memory is neither lost nor made, and no instance is forgotten.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "tests/loops/played_loops.h"

namespace hearth::test {
namespace {

class AtRandom {
 public:
  explicit AtRandom(std::uint32_t seed) : random_(seed), options_(options(seed)), loops_(options_) {}

  void run() {
    for (int step = 0; step < 2'000; ++step) {
      one_step();
      loops_.run(microseconds(20 * one_of(100)));
    }
    loops_.run(std::chrono::seconds(5));  // longer than any call takes, or waits
  }

  void expect_nothing_left() {
    int answered = 0;
    std::size_t idle = 0;
    for (std::size_t i = 0; i < options_.loops; ++i) {
      PlayedLoop& side = loops_.at(i);
      for (const auto& [how, count] : side.answers) {
        answered += count;
      }
      EXPECT_EQ(side.dispatcher->calls_waiting(), 0U);
      EXPECT_EQ(side.dispatcher->calls_running(), 0U);
      const auto states = side.worker.snapshot().reservations;
      EXPECT_EQ(states.at(worker::ReservationState::kLeased), 0U) << "nobody holds it";
      expect_provisioned(side.worker.snapshot());
      idle += states.at(worker::ReservationState::kIdle);
    }
    EXPECT_LE(answered, calls_);
    EXPECT_GE(answered, calls_ - abandoned_);
    EXPECT_EQ(on_stacks(), idle) << "an instance that nobody can find";
  }

 private:
  static constexpr unsigned kVersions = 6;

  PlayedLoopOptions options(std::uint32_t seed) {
    PlayedLoopOptions options;
    options.seed = seed;
    options.loops = 2 + one_of(4);
    options.memory_mb = 512 + 128 * one_of(5);
    options.largest_function_mb = 512;
    options.times.run = microseconds(100);
    options.times.longer = milliseconds(one_of(2) == 0 ? 2 : 150);
    options.times.faults_in_1000 = one_of(2) == 0 ? 0 : 20;
    options.dispatcher.cores = 1 + one_of(3);
    options.dispatcher.queue_timeout = milliseconds(one_of(2) == 0 ? 0 : 1'000);
    options.dispatcher.queue_depth = one_of(3) == 0 ? 5 : 1'000;
    return options;
  }

  unsigned one_of(unsigned count) { return static_cast<unsigned>(random_() % count); }

  std::string id(unsigned version) const {
    return "v" + std::to_string(version) + "-" + std::to_string(generation_);
  }

  void one_step() {
    const std::size_t loop = one_of(static_cast<unsigned>(options_.loops));
    const unsigned what = one_of(100);
    if (what < 2 && last_call_ != 0) {
      ++abandoned_;
      loops_.at(last_loop_).dispatcher->abandon(last_call_);
    } else if (what < 3) {
      retire_all();
    } else if (what < 6) {
      provide(loop, one_of(kVersions), one_of(4));
    } else {
      const unsigned burst = one_of(10) == 0 ? 12 : 1;
      for (unsigned i = 0; i < burst; ++i) {
        const unsigned version = one_of(kVersions);
        ++calls_;
        last_loop_ = loop;
        last_call_ = loops_.invoke(loop, id(version), 128 * (1 + version % 4), version == 0 ? 3 : 1);
      }
    }
  }

  void provide(std::size_t loop, unsigned version, std::uint32_t count) {
    loops_.at(loop).worker.provide(
        {PlayedLoops::version(id(version), 128 * (1 + version % 4), version == 0 ? 3 : 1), "f", count});
  }

  // Every function has newer code: each loop is told in its own time.
  void retire_all() {
    for (std::size_t i = 0; i < options_.loops; ++i) {
      PlayedLoop& side = loops_.at(i);
      for (unsigned version = 0; version < kVersions; ++version) {
        side.loop.post([&side, old = id(version)] { side.dispatcher->retire(old, false); });
      }
    }
    ++generation_;
  }

  // Less only where memory is short, or starts fail and wait for longer than this has.
  void expect_provisioned(const worker::WorkerSnapshot& snapshot) const {
    EXPECT_LE(snapshot.provisioned_ready, snapshot.provisioned_wanted);
    if (options_.times.faults_in_1000 == 0 && snapshot.free_mb >= options_.largest_function_mb) {
      EXPECT_EQ(snapshot.provisioned_ready, snapshot.provisioned_wanted);
    }
  }

  std::size_t on_stacks() {
    std::size_t found = 0;
    for (std::size_t i = 0; i < options_.loops; ++i) {
      for (unsigned version = 0; version < kVersions; ++version) {
        std::size_t entries = 0;
        bool more = true;
        while (more) {
          more = false;
          loops_.at(i).local.take(id(version), messaging::kWarmOnly, messaging::Reach::kHere,
                                  [&](const std::optional<messaging::Taken>& taken) {
                                    more = taken.has_value();
                                    entries += more ? 1 : 0;
                                  });
        }
        found += version == 0 ? (entries + 2) / 3 : entries;
      }
    }
    return found;
  }

  std::minstd_rand random_;
  const PlayedLoopOptions options_;
  PlayedLoops loops_;
  int calls_ = 0;
  int abandoned_ = 0;
  int generation_ = 0;
  std::size_t last_loop_ = 0;
  dispatch::CallId last_call_ = 0;
};

// As many as HEARTH_SEEDS says.
unsigned seeds() {
  const char* text = std::getenv("HEARTH_SEEDS");
  return text == nullptr || *text == 0 ? 10 : static_cast<unsigned>(std::atoi(text));
}

class LoopsAtRandom : public testing::TestWithParam<std::uint32_t> {};

TEST_P(LoopsAtRandom, LoseNothing) {
  AtRandom loops(GetParam());
  loops.run();
  loops.expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Seeds, LoopsAtRandom, testing::Range(1U, seeds() + 1));

}  // namespace
}  // namespace hearth::test
