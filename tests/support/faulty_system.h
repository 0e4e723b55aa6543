// Faults of the machine below a real server: syncs and writes of its files that fail or take their time, and
// a clock that jumps. A library for LD_PRELOAD does it (faulty_system_preload.cc), and looks at what stands
// here in a file that both have in their memory. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace hearth::test {

// In the file; zeroes: all is well.
struct SystemFaults {
  std::atomic<bool> sync_fails;   // fsync and fdatasync, with EIO
  std::atomic<bool> write_fails;  // pwrite, with EIO
  std::atomic<std::int64_t> sync_takes_ms;
  std::atomic<std::int64_t> clock_ahead_ms;  // the time of day; durations are as ever
  std::atomic<std::int64_t> syncs;           // how many there were
};

class FaultySystem {
 public:
  // `folder`: where the file is made.
  explicit FaultySystem(const std::string& folder);
  FaultySystem(const FaultySystem&) = delete;
  FaultySystem& operator=(const FaultySystem&) = delete;
  ~FaultySystem();

  SystemFaults& faults() { return *faults_; }
  // Of a server's that is started on it.
  std::vector<std::string> environment() const;

 private:
  const std::string path_;
  SystemFaults* faults_ = nullptr;
};

}  // namespace hearth::test
