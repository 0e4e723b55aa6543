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
#include <random>
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

struct PlayedTimes {
  base::Duration start = milliseconds(50);
  base::Duration run = milliseconds(1);  // the shortest; up to `longer` more
  base::Duration longer{0};
  unsigned faults_in_1000 = 0;  // starts that fail, and calls with which the instance ends
};

// Each takes its time to start and to answer, of its loop's clock.
class PlayedInstances final : public worker::InstanceFactory {
 public:
  PlayedInstances(base::ManualEventLoop& loop, PlayedTimes times, std::uint32_t seed)
      : loop_(loop), times_(times), random_(seed) {}

  std::unique_ptr<worker::Instance> start(worker::InstanceStart start,
                                          worker::InstanceEvents& events) override {
    ++starting;
    most_starting = std::max(most_starting, starting);
    auto made = std::make_unique<Played>(*this, start.name, events);
    loop_.at(loop_.now() + times_.start, [this, &events, name = start.name, alive = made->alive] {
      --starting;
      if (!*alive) {
        return;
      }
      if (fault()) {
        *alive = false;
        events.start_failed(name, {model::OutcomeKind::kInitFailed, {}, {}}, {}, {});
        loop_.at(loop_.now(), [&events, name] { events.ended(name); });
      } else {
        events.loaded(name, {.boot_us = 1});
      }
    });
    return made;
  }

  std::unique_ptr<worker::Instance> prestart(worker::Prestart, worker::InstanceEvents&) override {
    return nullptr;  // these workers keep none
  }

  int starting = 0;
  int most_starting = 0;

 private:
  class Played final : public worker::Instance {
   public:
    Played(PlayedInstances& owner, std::string name, worker::InstanceEvents& events)
        : owner_(owner), name_(std::move(name)), events_(events) {}
    void assign(worker::InstanceStart) override {}
    void invoke(worker::InstanceCall call) override {
      const base::Duration run = owner_.run_time();
      const bool fault = owner_.fault();
      owner_.loop_.at(owner_.loop_.now() + run, [this, alive = alive, slot = call.slot, run, fault] {
        if (!*alive) {
          return;
        }
        if (fault) {
          end();
        } else {
          const std::int64_t us = std::chrono::duration_cast<microseconds>(run).count();
          events_.finished(name_, {slot, {model::OutcomeKind::kReturned, "1", {}}, {}, us, us, true});
        }
      });
    }
    bool takes_behind() const override { return false; }
    void take_back() override {}
    void stop() override {
      if (*alive) {
        owner_.loop_.at(owner_.loop_.now() + milliseconds(5), [this, alive = alive] {
          if (*alive) {
            end();
          }
        });
      }
    }

    const std::shared_ptr<bool> alive = std::make_shared<bool>(true);

   private:
    void end() {
      *alive = false;
      events_.ended(name_);
    }

    PlayedInstances& owner_;
    const std::string name_;
    worker::InstanceEvents& events_;
  };

  bool fault() { return random_() % 1'000 < times_.faults_in_1000; }
  base::Duration run_time() {
    return times_.run + times_.longer * static_cast<std::int64_t>(random_() % 1'000) / 1'000;
  }

  base::ManualEventLoop& loop_;
  const PlayedTimes times_;
  std::minstd_rand random_;
};

struct PlayedLoopOptions {
  std::size_t loops = 2;
  std::uint32_t memory_mb = 1'024;  // of each
  std::uint32_t largest_function_mb = 512;
  PlayedTimes times{};
  std::uint32_t seed = 1;
  dispatch::DispatcherOptions dispatcher{};
};

class PlayedLoop {
 public:
  PlayedLoop(const PlayedLoopOptions& options, std::size_t index)
      : uri("inproc:" + std::to_string(index)),
        random(index + 1),
        instances(loop, options.times, options.seed * 100 + static_cast<std::uint32_t>(index)),
        worker(worker_options(uri, options), instances, messaging, loop, random) {
    local.subscribe(worker);
  }

  static worker::WorkerOptions worker_options(const std::string& uri, const PlayedLoopOptions& options) {
    worker::WorkerOptions made;
    made.uri = uri;
    made.memory_mb = options.memory_mb;
    made.largest_function_mb = options.largest_function_mb;
    return made;
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

  static model::VersionPtr version(const std::string& id, std::uint32_t memory_mb,
                                   std::uint32_t concurrency) {
    auto made = std::make_shared<model::Version>();
    made->id = id;
    made->function_id = "function of " + id;
    made->memory_mb = memory_mb;
    made->concurrency = concurrency;
    return made;
  }

  dispatch::CallId invoke(std::size_t index, const std::string& id, std::uint32_t memory_mb = 128,
                          std::uint32_t concurrency = 1) {
    PlayedLoop& side = at(index);
    const auto called = version(id, memory_mb, concurrency);
    return side.dispatcher->invoke({called, "f", "r", nullptr}, [&side](dispatch::Answer answer) {
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
    side.worker.on_short_of_memory(
        [&side](std::uint32_t memory_mb) { side.messaging.fetch_memory(memory_mb); });
    side.link = std::make_unique<link::CrossLoopLink>(link::LoopExecutor{side.uri, &side.loop, &side.worker},
                                                      std::move(others));
    side.dispatcher = std::make_unique<dispatch::Dispatcher>(options, side.messaging, *side.link, side.loop);
    side.worker.open();
  }

  const std::uint64_t memory_mb_;
  std::vector<std::unique_ptr<PlayedLoop>> sides_;
};

}  // namespace hearth::test
