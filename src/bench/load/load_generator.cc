#include "bench/load/load_generator.h"

#include <mutex>
#include <thread>
#include <utility>

namespace hearth::bench {
namespace {

// Lets several threads report to one sink.
class LockedSink final : public CallSink {
 public:
  explicit LockedSink(CallSink& sink) : sink_(sink) {}
  void on_call(const FinishedCall& call) override {
    const std::lock_guard lock(mutex_);
    sink_.on_call(call);
  }

 private:
  std::mutex mutex_;
  CallSink& sink_;
};

}  // namespace

LoadGenerator::LoadGenerator(CallPlan plan, const std::atomic<bool>& stop, std::uint32_t threads)
    : plan_(std::move(plan)) {
  for (std::uint32_t i = 0; i < threads; ++i) {
    clients_.push_back(std::make_unique<LoadClient>(plan_, stop, ThreadPlace{i, threads}));
  }
}

LoadCount LoadGenerator::run(const Stretch& stretch, CallSink* sink) {
  if (clients_.size() == 1) {
    return clients_.front()->run(stretch, sink);
  }
  std::unique_ptr<LockedSink> locked = sink == nullptr ? nullptr : std::make_unique<LockedSink>(*sink);
  std::vector<LoadCount> counts(clients_.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    threads.emplace_back([&, i] { counts[i] = clients_[i]->run(stretch, locked.get()); });
  }
  LoadCount all;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    all.add(counts[i]);
  }
  return all;
}

}  // namespace hearth::bench
