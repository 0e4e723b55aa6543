// What memory a server charges to instances over time, from its /metrics: MB x seconds by what they do.
// MemoryTime is pure; a MemoryWatch reads on a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "bench/target/target.h"

namespace hearth::bench {

// MB at one moment.
struct MemoryReading {
  double running_mb = 0;  // of those that start, execute or wait to
  double idle_mb = 0;     // of those that wait for a call
  double other_mb = 0;    // of booted runtimes that wait for a function, and of what is being removed

  bool operator==(const MemoryReading&) const = default;
};

// From hearth_memory_bytes{state="..."}; what is free or only offered is nobody's.
MemoryReading memory_in(std::string_view metrics);

class MemoryTime {
 public:
  // `at_s`: from any beginning, never less than before. Between two readings memory is their mean.
  void add(const MemoryReading& reading, double at_s);

  std::uint64_t readings() const { return readings_; }
  // MB x seconds.
  const MemoryReading& sum() const { return sum_; }

 private:
  MemoryReading sum_;
  MemoryReading last_;
  double last_at_s_ = 0;
  std::uint64_t readings_ = 0;
};

// Reads now, every second, and when it is stopped. A reading that fails is left out.
class MemoryWatch {
 public:
  static constexpr std::chrono::seconds kInterval{1};

  // `host` outlives it, and nobody else uses it meanwhile.
  explicit MemoryWatch(FunctionHost& host);
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;
  ~MemoryWatch();

  MemoryTime stop();

 private:
  void watch();
  void read();

  FunctionHost& host_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  MemoryTime time_;  // the thread's, until it has ended
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace hearth::bench
