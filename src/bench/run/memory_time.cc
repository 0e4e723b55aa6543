#include "bench/run/memory_time.h"

#include <array>
#include <cstdlib>

namespace hearth::bench {
namespace {

constexpr double kBytesInMb = 1 << 20U;

struct StateOf {
  std::string_view state;
  double MemoryReading::*of;
};
constexpr std::array kStates = {
    StateOf{"running", &MemoryReading::running_mb},  StateOf{"starting", &MemoryReading::running_mb},
    StateOf{"resuming", &MemoryReading::running_mb}, StateOf{"idle", &MemoryReading::idle_mb},
    StateOf{"leased", &MemoryReading::idle_mb},      StateOf{"prestarted", &MemoryReading::other_mb},
    StateOf{"removing", &MemoryReading::other_mb}};

double bytes_of(std::string_view metrics, std::string_view state) {
  const std::string line = "\nhearth_memory_bytes{state=\"" + std::string(state) + "\"} ";
  const std::size_t at = metrics.find(line);
  return at == std::string_view::npos
             ? 0
             : std::strtod(std::string(metrics.substr(at + line.size(), 24)).c_str(), nullptr);
}

}  // namespace

MemoryReading memory_in(std::string_view metrics) {
  MemoryReading reading;
  for (const StateOf& each : kStates) {
    reading.*each.of += bytes_of(metrics, each.state) / kBytesInMb;
  }
  return reading;
}

void MemoryTime::add(const MemoryReading& reading, double at_s) {
  if (readings_ > 0) {
    const double half_s = (at_s - last_at_s_) / 2;
    for (const auto of : {&MemoryReading::running_mb, &MemoryReading::idle_mb, &MemoryReading::other_mb}) {
      sum_.*of += (last_.*of + reading.*of) * half_s;
    }
  }
  last_ = reading;
  last_at_s_ = at_s;
  ++readings_;
}

MemoryWatch::MemoryWatch(FunctionHost& host) : host_(host), thread_([this] { watch(); }) {}

MemoryWatch::~MemoryWatch() { (void)stop(); }

MemoryTime MemoryWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
  return time_;
}

void MemoryWatch::watch() {
  auto next = begin_;
  for (bool last = false; !last;) {
    read();
    next += kInterval;
    std::unique_lock lock(mutex_);
    last = stopping_.wait_until(lock, next, [this] { return stop_; });
  }
  read();
}

void MemoryWatch::read() {
  const auto metrics = host_.metrics();
  const std::chrono::duration<double> at = std::chrono::steady_clock::now() - begin_;
  if (metrics) {
    time_.add(memory_in(*metrics), at.count());
  }
}

}  // namespace hearth::bench
