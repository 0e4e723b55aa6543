// Where a worker's host is: an address as it is written, or a name that is looked up on the pool, once for
// all that wait, and believed for a while.
//
// Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "http/client_connection.h"
#include "http/endpoint.h"

namespace hearth::link {

// A name may move to another host.
inline constexpr std::chrono::seconds kNameLife{10};

class HostAddress {
 public:
  using Found = std::function<void(const base::Result<http::SocketAddress>&)>;

  // Loop and pool outlive it.
  HostAddress(base::EventLoop& loop, base::BlockingPool& pool, http::HostPort host);
  HostAddress(const HostAddress&) = delete;
  HostAddress& operator=(const HostAddress&) = delete;
  ~HostAddress() = default;

  // Nothing when it has to be looked up.
  std::optional<http::SocketAddress> known() const;
  // `found` is called from the loop, unless this ends first. While one look-up is under way another is
  // none: its `found` is never called. kIo, kExhausted.
  void look_up(Found found);

 private:
  base::EventLoop& loop_;
  base::BlockingPool& pool_;
  const http::HostPort host_;
  std::optional<http::SocketAddress> address_;
  base::TimePoint believed_until_ = base::TimePoint::max();
  bool looking_up_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::link
