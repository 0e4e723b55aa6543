#include "link/http/host_address.h"

#include <utility>

#include "base/bring_back.h"

namespace hearth::link {

HostAddress::HostAddress(base::EventLoop& loop, base::BlockingPool& pool, http::HostPort host)
    : loop_(loop), pool_(pool), host_(std::move(host)) {
  http::SocketAddress numeric;
  if (http::numeric_address(host_.host, host_.port, numeric)) {
    address_ = numeric;
  }
}

std::optional<http::SocketAddress> HostAddress::known() const {
  return loop_.now() < believed_until_ ? address_ : std::nullopt;
}

void HostAddress::look_up(Found found) {
  if (std::exchange(looking_up_, true)) {
    return;
  }
  auto told = base::bring_back(
      loop_, std::function([this, found = std::move(found),
                            alive = std::weak_ptr<bool>(alive_)](base::Result<http::SocketAddress> address) {
        if (alive.expired()) {
          return;
        }
        looking_up_ = false;
        if (address) {
          address_ = *address;
          believed_until_ = loop_.now() + kNameLife;
        }
        found(address);
      }));
  const auto taken =
      pool_.submit([host = host_, told] { told(http::resolve_address(host.host, host.port)); });
  if (!taken) {
    told(taken.error());
  }
}

}  // namespace hearth::link
