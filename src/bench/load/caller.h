// One connection of the load: connects, sends a request, reads its answer, without blocking. What to do
// with the outcome is LoadClient's. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "bench/load/call_plan.h"
#include "bench/load/response_scanner.h"

namespace hearth::bench {

class Caller {
 public:
  enum class State { kClosed, kConnecting, kIdle, kSending, kWaiting };
  enum class Event { kNone, kConnected, kAnswered, kFailed };

  explicit Caller(std::uint32_t index) : index_(index) {}

  // Begins to connect; false with reason() when that failed at once.
  bool connect(const Address& address, int epoll_fd, std::int64_t now_ns);
  // When kIdle. `begin_ns` is what the latency counts from.
  Event call(const std::string& request, std::int64_t begin_ns, std::int64_t now_ns);
  // The socket is ready. `buffer` is scratch memory that all callers share.
  Event ready(std::uint32_t epoll_events, char* buffer, std::size_t size);
  void close();

  std::uint32_t index() const { return index_; }
  State state() const { return state_; }
  bool in_flight() const { return state_ == State::kSending || state_ == State::kWaiting; }
  std::int64_t begin_ns() const { return begin_ns_; }
  // When the call left, or the connection was begun: what a time-out counts from.
  std::int64_t since_ns() const { return since_ns_; }
  // Of kAnswered; the caller is idle again, or closed when the server wants it so.
  const ResponseScanner& answer() const { return scanner_; }
  // Of kFailed: a short reason, such as "connection refused". The caller is closed.
  std::string_view reason() const { return reason_; }

 private:
  Event fail(std::string_view reason);
  Event finish_connecting();
  Event send_rest();
  Event receive(char* buffer, std::size_t size);
  void watch(std::uint32_t events);

  const std::uint32_t index_;
  State state_ = State::kClosed;
  base::UniqueFd socket_;
  int epoll_fd_ = -1;
  const std::string* request_ = nullptr;
  std::size_t sent_ = 0;
  std::int64_t begin_ns_ = 0;
  std::int64_t since_ns_ = 0;
  std::string_view reason_;
  ResponseScanner scanner_;
};

}  // namespace hearth::bench
