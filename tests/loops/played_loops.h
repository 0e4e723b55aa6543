// Several loops of `hearth serve --threads N` on one virtual clock: real dispatchers, workers, messaging and
// links, with instances that are played.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"
#include "base/random.h"
#include "dispatch/dispatcher.h"
#include "link/crossloop/crossloop_link.h"
#include "messaging/crossloop/crossloop_messaging.h"
#include "messaging/inproc/inproc_messaging.h"
#include "worker/worker.h"

namespace hearth::test {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Each takes its time to start and to answer, of its loop's clock.
class PlayedInstances final : public worker::InstanceFactory {
 public:
  PlayedInstances(base::ManualEventLoop& loop, base::Duration start, base::Duration run)
      : loop_(loop), start_(start), run_(run) {}

  std::unique_ptr<worker::Instance> start(worker::InstanceStart start,
                                          worker::InstanceEvents& events) override {
    ++starting;
    most_starting = std::max(most_starting, starting);
    auto made = std::make_unique<Played>(*this, start.name, events);
    loop_.at(loop_.now() + start_, [this, &events, name = start.name] {
      --starting;
      events.loaded(name, {.boot_us = 1});
    });
    return made;
  }

  int starting = 0;
  int most_starting = 0;

 private:
  class Played final : public worker::Instance {
   public:
    Played(PlayedInstances& owner, std::string name, worker::InstanceEvents& events)
        : owner_(owner), name_(std::move(name)), events_(events) {}
    void invoke(worker::InstanceCall call) override {
      const std::int64_t run_us = std::chrono::duration_cast<microseconds>(owner_.run_).count();
      owner_.loop_.at(owner_.loop_.now() + owner_.run_, [this, slot = call.slot, run_us] {
        events_.finished(name_, {slot, {model::OutcomeKind::kReturned, "1", {}}, {}, run_us, run_us, true});
      });
    }
    bool takes_behind() const override { return false; }
    void take_back() override {}
    void stop() override {
      owner_.loop_.at(owner_.loop_.now() + milliseconds(5),
                      [&events = events_, name = name_] { events.ended(name); });
    }

   private:
    PlayedInstances& owner_;
    const std::string name_;
    worker::InstanceEvents& events_;
  };

  base::ManualEventLoop& loop_;
  const base::Duration start_;
  const base::Duration run_;
};

struct PlayedLoopOptions {
  std::size_t loops = 2;
  std::uint32_t memory_mb = 1'024;  // of each
  std::uint32_t largest_function_mb = 512;
  base::Duration start = milliseconds(50);
  base::Duration run = milliseconds(1);
  dispatch::DispatcherOptions dispatcher{};
};

class PlayedLoop {
 public:
  PlayedLoop(const PlayedLoopOptions& options, std::size_t index)
      : uri("inproc:" + std::to_string(index)),
        random(index + 1),
        instances(loop, options.start, options.run),
        worker({uri, options.memory_mb, options.largest_function_mb}, instances, messaging, loop, random) {
    local.subscribe(worker);
  }

  base::ManualEventLoop loop;
  const std::string uri;
  base::SeededRandom random;
  messaging::InprocMessaging local;
  messaging::CrossLoopMessaging messaging{local, loop};
  PlayedInstances instances;
  worker::Worker worker;
  std::unique_ptr<link::CrossLoopLink> link;
  std::unique_ptr<dispatch::Dispatcher> dispatcher;
  std::map<std::string, int> answers;  // "ran", or the code of the rejection: how often
};

class PlayedLoops {
 public:
  explicit PlayedLoops(const PlayedLoopOptions& options) : memory_mb_(options.loops * options.memory_mb) {
    for (std::size_t i = 0; i < options.loops; ++i) {
      sides_.push_back(std::make_unique<PlayedLoop>(options, i));
    }
    for (std::size_t i = 0; i < options.loops; ++i) {
      connect(i, options.dispatcher);
    }
  }
  PlayedLoops(const PlayedLoops&) = delete;
  PlayedLoops& operator=(const PlayedLoops&) = delete;
  ~PlayedLoops() {
    std::uint64_t total_mb = 0;
    for (const auto& side : sides_) {
      EXPECT_TRUE(side->worker.ledger_is_exact());
      total_mb += side->worker.snapshot().total_mb;
    }
    EXPECT_EQ(total_mb, memory_mb_) << "memory was lost, or made, on its way between loops";
  }

  PlayedLoop& at(std::size_t index) { return *sides_[index]; }

  void invoke(std::size_t index, const std::string& id, std::uint32_t memory_mb = 128) {
    auto version = std::make_shared<model::Version>();
    version->id = id;
    version->memory_mb = memory_mb;
    PlayedLoop& side = at(index);
    side.dispatcher->invoke({version, "f", "r", nullptr}, [&side](dispatch::Answer answer) {
      const auto* rejection = std::get_if<dispatch::Rejection>(&answer.result);
      ++side.answers[rejection ? std::string(to_string(rejection->code)) : "ran"];
    });
  }

  // A caller that calls again as soon as it is answered, until `calls` were made.
  void keep_calling(std::size_t index, const std::string& id, int calls) {
    auto version = std::make_shared<model::Version>();
    version->id = id;
    PlayedLoop& side = at(index);
    side.dispatcher->invoke({version, "f", "r", nullptr}, [this, &side, index, id, calls](auto answer) {
      const auto* rejection = std::get_if<dispatch::Rejection>(&answer.result);
      ++side.answers[rejection ? std::string(to_string(rejection->code)) : "ran"];
      if (calls > 1) {
        side.loop.post([this, index, id, calls] { keep_calling(index, id, calls - 1); });
      }
    });
  }

  // All loops' clocks go on together.
  void run(base::Duration duration) {
    constexpr microseconds kStep{20};
    for (base::Duration passed{}; passed < duration; passed += kStep) {
      for (const auto& side : sides_) {
        side->loop.advance(kStep);
      }
    }
  }

  int answered(const std::string& how) const {
    int sum = 0;
    for (const auto& side : sides_) {
      const auto found = side->answers.find(how);
      sum += found == side->answers.end() ? 0 : found->second;
    }
    return sum;
  }
  std::uint64_t posted() const {
    std::uint64_t sum = 0;
    for (const auto& side : sides_) {
      sum += side->loop.posted_in_all();
    }
    return sum;
  }
  std::uint64_t started() const {
    std::uint64_t sum = 0;
    for (const auto& side : sides_) {
      sum += side->worker.snapshot().instances_started;
    }
    return sum;
  }

 private:
  void connect(std::size_t index, const dispatch::DispatcherOptions& options) {
    PlayedLoop& side = at(index);
    std::vector<link::LoopExecutor> others;
    std::vector<messaging::CrossLoopMessaging*> messagings;
    for (std::size_t i = 1; i < sides_.size(); ++i) {
      PlayedLoop& other = at((index + i) % sides_.size());
      others.push_back({other.uri, &other.loop, &other.worker});
      messagings.push_back(&other.messaging);
    }
    side.messaging.connect(static_cast<std::uint32_t>(index), side.worker, std::move(messagings));
    side.link = std::make_unique<link::CrossLoopLink>(link::LoopExecutor{side.uri, &side.loop, &side.worker},
                                                      std::move(others));
    side.dispatcher = std::make_unique<dispatch::Dispatcher>(options, side.messaging, *side.link, side.loop);
    side.worker.open();
  }

  const std::uint64_t memory_mb_;
  std::vector<std::unique_ptr<PlayedLoop>> sides_;
};

}  // namespace hearth::test
