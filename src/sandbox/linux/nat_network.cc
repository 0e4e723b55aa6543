#include "sandbox/linux/nat_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include "sandbox/linux/firewall.h"
#include "sandbox/linux/netlink.h"
#include "sandbox/linux/network_namespace.h"
#include "sandbox/linux/veth.h"

namespace hearth::sandbox {
namespace {

// Stands for every public address when the host's route to the internet is looked up. Nothing is sent.
constexpr std::uint32_t kAnyPublic = 0x01010101;

base::Error invalid(std::string message) {
  return base::Error{base::ErrorCode::kInvalidArgument, std::move(message)};
}

base::Result<std::vector<std::uint32_t>> parse_resolvers(const std::vector<std::string>& texts) {
  if (texts.empty() || texts.size() > kMaxResolvers) {
    return invalid("--network nat takes 1 to " + std::to_string(kMaxResolvers) + " DNS servers: see --dns");
  }
  std::vector<std::uint32_t> resolvers;
  for (const auto& text : texts) {
    in_addr address{};
    if (::inet_pton(AF_INET, text.c_str(), &address) != 1 || ntohl(address.s_addr) >> 24U == IN_LOOPBACKNET) {
      return invalid("--dns " + text + ": not an IPv4 address beyond the host's loopback interface");
    }
    resolvers.push_back(ntohl(address.s_addr));
  }
  return resolvers;
}

std::uint32_t ipv4(const sockaddr* address) {
  return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

base::Result<void> check_unused(const NatRange& range, const std::string& our_prefix) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) {
    return base::io_error("cannot list the host's addresses", errno);
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(all, ::freeifaddrs);
  for (const auto* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET || each->ifa_netmask == nullptr ||
        std::string_view(each->ifa_name).starts_with(our_prefix)) {
      continue;
    }
    const auto shared_mask = ipv4(each->ifa_netmask) & NatRange::kMask;
    if ((ipv4(each->ifa_addr) & shared_mask) == (range.first & shared_mask)) {
      return invalid("the addresses " + to_string(range) + " for sandboxes are in use by this host's " +
                     each->ifa_name + ": give others with --nat-range");
    }
  }
  return {};
}

// The interfaces that packets for the internet and for the resolvers leave by.
base::Result<std::vector<std::string>> find_uplinks(int netlink, std::vector<std::uint32_t> destinations) {
  std::vector<std::string> names;
  destinations.push_back(kAnyPublic);
  for (const auto destination : destinations) {
    std::uint32_t index = 0;
    std::array<char, IF_NAMESIZE> name{};
    if (outgoing_interface(netlink, destination, index) != 0 ||
        ::if_indextoname(index, name.data()) == nullptr) {
      const in_addr address{htonl(destination)};
      return base::Error{base::ErrorCode::kNotFound,
                         std::string("--network nat: this host has no route to ") + ::inet_ntoa(address) +
                             (destination == kAnyPublic ? ", and so to the internet" : ", given by --dns")};
    }
    // (A resolver on the host itself needs no forwarding.)
    if (std::string_view(name.data()) != "lo" &&
        std::find(names.begin(), names.end(), name.data()) == names.end()) {
      names.emplace_back(name.data());
    }
  }
  return names;
}

std::string mark_of(const LinuxOptions& options) { return options.run_folder + "/" + options.tag + ".nat"; }

// Interfaces of this network namespace that begin so, removed.
base::Result<std::uint32_t> remove_wires(int netlink, const std::string& prefix) {
  auto* const all = ::if_nameindex();
  if (all == nullptr) {
    return base::io_error("cannot list the host's interfaces", errno);
  }
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> owner(all, ::if_freenameindex);
  std::uint32_t removed = 0;
  for (const auto* each = all; each->if_index != 0; ++each) {
    if (std::string_view(each->if_name).starts_with(prefix)) {
      const int error = remove_wire(netlink, each->if_name);
      if (error != 0 && error != ENODEV) {  // it may go with its sandbox just now
        return base::io_error(std::string("cannot remove the interface ") + each->if_name, error);
      }
      ++removed;
    }
  }
  return removed;
}

}  // namespace

NatNetwork::NatNetwork(const LinuxOptions& options, const NatRange& range)
    : range_(range), names_(options.tag), netlink_(open_netlink()) {}

base::Result<std::unique_ptr<NatNetwork>> NatNetwork::open(const LinuxOptions& options) {
  const auto range = parse_nat_range(options.nat.range);
  if (!range) {
    return range.error();
  }
  if (options.uid_count > NatRange::kWires) {
    return invalid("--network nat has addresses for " + std::to_string(NatRange::kWires) +
                   " sandboxes, not " + std::to_string(options.uid_count));
  }
  std::unique_ptr<NatNetwork> network(new NatNetwork(options, *range));
  if (auto prepared = network->prepare(options); !prepared) {
    return prepared.error();
  }
  return network;
}

base::Result<void> NatNetwork::prepare(const LinuxOptions& options) {
  auto resolvers = parse_resolvers(options.nat.resolvers);
  if (!resolvers) {
    return resolvers.error();
  }
  if (auto unused = check_unused(range_, names_.interface_prefix()); !unused) {
    return unused;
  }
  auto lock = TagLock::take(options.run_folder, "nat-" + std::to_string(range_.first), 0);
  if (!lock) {
    return lock.error().code != base::ErrorCode::kBusy
               ? lock.error()
               : base::Error{base::ErrorCode::kBusy, "another server on this host uses the addresses " +
                                                         to_string(range_) +
                                                         " for its sandboxes: give others with --nat-range"};
  }
  range_lock_ = std::move(*lock);
  auto uplinks = find_uplinks(netlink_.get(), *resolvers);
  if (!uplinks) {
    return uplinks.error();
  }
  auto forwarding = Forwarding::enable(options.run_folder, *uplinks);
  if (!forwarding) {
    return forwarding.error();
  }
  forwarding_ = std::move(*forwarding);
  const base::UniqueFd mark(::open(mark_of(options).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!mark.valid()) {
    return base::io_error("cannot make " + mark_of(options), errno);
  }
  mark_ = mark_of(options);
  return load_firewall({names_.table(), names_.interface_prefix(), to_string(range_), options.nat.resolvers,
                        forwarding_.switched_on()});
}

NatNetwork::~NatNetwork() {
  if (mark_.empty()) {
    return;
  }
  // Errors have nobody to tell; the next start with this tag sweeps.
  if (remove_wires(netlink_.get(), names_.interface_prefix()) && remove_firewall(names_.table())) {
    ::unlink(mark_.c_str());
  }
}

base::Result<void> NatNetwork::connect(std::uint32_t number, int network_namespace) {
  const auto wire = range_.wire(number);
  int error = make_wire(netlink_.get(), names_.interface(number).c_str(), wire.host, network_namespace);
  if (error == 0) {
    error = run_inside(network_namespace, [&] { return join_wire(wire); });
  }
  if (error != 0) {
    disconnect(number);
    return base::io_error("cannot connect a sandbox to the network", error);
  }
  return {};
}

void NatNetwork::disconnect(std::uint32_t number) {
  remove_wire(netlink_.get(), names_.interface(number).c_str());
}

base::Result<std::uint32_t> sweep_nat(const LinuxOptions& options) {
  const NatNames names(options.tag);
  const base::UniqueFd netlink(open_netlink());
  auto swept = remove_wires(netlink.get(), names.interface_prefix());
  if (!swept || options.network == NetworkMode::kNat || ::access(mark_of(options).c_str(), F_OK) != 0) {
    return swept;
  }
  if (auto removed = remove_firewall(names.table()); !removed) {
    return removed.error();
  }
  ::unlink(mark_of(options).c_str());
  return *swept + 1;
}

}  // namespace hearth::sandbox
