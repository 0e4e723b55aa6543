#include "sim/hosts.h"

#include <charconv>
#include <utility>

namespace hearth::sim {

std::string address_of(std::size_t host) { return "w" + std::to_string(host); }

Host& host_at(Hosts& hosts, const std::string& address) {
  std::size_t host = 0;
  std::from_chars(address.data() + 1, address.data() + address.size(), host);
  return hosts.at(host);
}

void forget(Host& host) {
  host.forgotten = true;
  for (const auto& [execution, observer] : std::exchange(host.awaited, {})) {
    observer->done({model::failed(model::OutcomeKind::kWorkerLost, "its worker was lost"), {}, {}, {}},
                   std::nullopt);
  }
}

}  // namespace hearth::sim
