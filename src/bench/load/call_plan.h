// What a load consists of and what it found, as values: the plan goes into LoadGenerator, the count comes
// out of it. Any thread.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/load/hdr_histogram.h"
#include "bench/result.h"

namespace hearth::bench {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// Looks the host up. kNotFound with the resolver's words.
base::Result<Address> resolve(const std::string& host, std::uint16_t port);

struct CallPlan {
  Address address;
  std::vector<std::string> requests;  // each whole, as it goes onto the wire
  std::vector<std::uint32_t> order;   // which of them each call sends, over and over; empty: the first
  std::uint64_t request_body_bytes = 0;
  bool tells_start = false;  // answers hold "logs", as Hearth's do
  std::chrono::nanoseconds call_timeout = std::chrono::seconds(30);
};

// One measured stretch of time.
struct Stretch {
  std::uint32_t callers = 1;  // closed loop: calls in flight; open loop: most connections
  std::chrono::nanoseconds duration{0};
  double per_second = 0;  // open loop at that rate; 0: closed loop
  const std::vector<std::int64_t>* due_ns =
      nullptr;                  // open loop at these times from the start, earliest first
  std::uint64_t max_calls = 0;  // no more than these; 0: as many as fit
  std::function<void(std::uint64_t calls, double seconds)> on_tick;  // some times a second; may be empty
};

struct FinishedCall {
  std::uint32_t request = 0;
  std::int64_t begin_unix_ms = 0;  // the intended time in an open loop
  std::uint64_t latency_ns = 0;
  int status = 0;           // 0: no answer
  std::string_view reason;  // empty: answered well
  Start start = Start::kUnknown;
  std::string_view instance;  // empty: not known
  std::string_view body_begin;
  std::string_view body_end;
};

// Told of every call, one at a time, on a thread of the generator's.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void on_call(const FinishedCall& call) = 0;
};

struct LoadCount {
  HdrHistogram latency;      // of the calls that were answered well, from their (intended) beginning
  std::uint64_t calls = 0;   // answered well, those that ended after the stretch too
  double calls_in_time = 0;  // the same; of a call that the stretch's end cuts, the part before it alone
  std::uint64_t errors = 0;
  std::map<std::string, std::uint64_t> errors_by_reason;
  std::uint64_t cold = 0;
  double body_bytes = 0;  // in and out, of the calls in time
  double seconds = 0;
  double client_cpu = 0;     // of one core: the busiest client thread's
  double client_wait = 0;    // of the time, that thread was ready and had no core
  std::uint64_t lag_ns = 0;  // open loop: the latest that a call left although a connection was free

  void add(const LoadCount& other);
};

// Whether the client may have been what limited the calls.
bool client_limits(const LoadCount& count);

// A sample of what was counted, without its target, repeat and x.
Sample sample_of(const LoadCount& count);

}  // namespace hearth::bench
