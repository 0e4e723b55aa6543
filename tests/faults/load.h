// Callers that never stop: each calls one function through the gateways, with a word of its own in every
// call, and writes down what became of it. The function answers with that word, and may say more behind it.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/network.h"

namespace hearth::faults {

using Clock = std::chrono::steady_clock;

struct CallRecord {
  Clock::time_point began;
  Clock::time_point ended;
  std::string gateway;
  std::string function;
  int status = 0;        // 0: the connection was closed, or gave no answer
  bool foreign = false;  // the answer was to another call
  std::string output;    // what the answer says behind the caller's word
  std::string detail;    // of what is not 200
};

struct Target {
  std::string host;
  std::string endpoint;
};

class Load {
 public:
  struct Options {
    std::vector<Target> gateways;  // the callers' in turn
    std::string function;
    int callers = 4;
    std::chrono::milliseconds pause{0};  // between two calls of a caller
  };

  // The callers are on the network's "client" host. Ends with the object.
  Load(const Network& network, Options options);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();

  // Everything since the beginning.
  std::vector<CallRecord> records() const;
  // Waits until so many calls have been answered with 200 since then.
  bool wait_for_success(std::size_t count, std::chrono::milliseconds bound) const;
  void stop();

 private:
  void call_on(std::size_t caller);

  const Network& network_;
  const Options options_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<CallRecord> records_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

// Answered, or failed after it was admitted; a refusal says that nothing was executed.
inline bool may_have_executed(int status) { return status != 503 && status != 404; }

// What a test asks of the records.
std::size_t count_may_have_executed(const std::vector<CallRecord>& records);
std::size_t count_foreign(const std::vector<CallRecord>& records);
std::size_t count_failed(const std::vector<CallRecord>& records, Clock::time_point from);
// "3 x 503 no_capacity, …", with when they began after `from`.
std::string failures(const std::vector<CallRecord>& records, Clock::time_point from);

}  // namespace hearth::faults
