#include "sandbox/linux/veth.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "sandbox/linux/netlink.h"

namespace hearth::sandbox {
namespace {

constexpr int kCreate = NLM_F_CREATE | NLM_F_EXCL;

// No address of the link, from which all IPv6 would follow. A kernel without IPv6 does not know the
// attribute.
void forbid_ipv6(NetlinkRequest& request, const char* name) {
  request.begin(RTM_SETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string_view(name));
  const auto families = request.open(IFLA_AF_SPEC);
  const auto ipv6 = request.open(AF_INET6);
  request.add(IFLA_INET6_ADDR_GEN_MODE, static_cast<std::uint8_t>(IN6_ADDR_GEN_MODE_NONE));
  request.close(ipv6);
  request.close(families);
  request.tolerate();
}

// What arrives from a sandbox may go on; nothing else of the host's settings changes.
void allow_forwarding(NetlinkRequest& request, const char* name) {
  request.begin(RTM_SETLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string_view(name));
  const auto families = request.open(IFLA_AF_SPEC);
  const auto ipv4 = request.open(AF_INET);
  const auto settings = request.open(IFLA_INET_CONF);
  request.add(IPV4_DEVCONF_FORWARDING, 1U);
  request.close(settings);
  request.close(ipv4);
  request.close(families);
}

void raise(NetlinkRequest& request, const char* name) {
  ifinfomsg link{};
  link.ifi_flags = link.ifi_change = IFF_UP;
  request.begin(RTM_SETLINK, 0, link);
  request.add(IFLA_IFNAME, std::string_view(name));
}

void add_address(NetlinkRequest& request, std::uint32_t interface, std::uint32_t address) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = kWirePrefixBits;
  header.ifa_index = interface;
  request.begin(RTM_NEWADDR, kCreate, header);
  request.add(IFA_LOCAL, htonl(address));
  request.add(IFA_ADDRESS, htonl(address));
}

void add_default_route(NetlinkRequest& request, std::uint32_t interface, std::uint32_t gateway) {
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_table = RT_TABLE_MAIN;
  route.rtm_protocol = RTPROT_BOOT;
  route.rtm_scope = RT_SCOPE_UNIVERSE;
  route.rtm_type = RTN_UNICAST;
  request.begin(RTM_NEWROUTE, kCreate, route);
  request.add(RTA_GATEWAY, htonl(gateway));
  request.add(RTA_OIF, interface);
}

// Straight into the other namespace: an interface that moves waits for the kernel's grace periods.
void add_pair(NetlinkRequest& request, const char* host_name, int inside) {
  request.begin(RTM_NEWLINK, kCreate, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string_view(host_name));
  const auto info = request.open(IFLA_LINKINFO);
  request.add(IFLA_INFO_KIND, std::string_view("veth"));
  const auto data = request.open(IFLA_INFO_DATA);
  const auto peer = request.open(VETH_INFO_PEER, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string_view(kInsideName));
  request.add(IFLA_NET_NS_FD, static_cast<std::uint32_t>(inside));
  request.close(peer);
  request.close(data);
  request.close(info);
}

}  // namespace

int make_wire(int netlink, const char* host_name, std::uint32_t host_address, int inside) {
  NetlinkRequest make;
  add_pair(make, host_name, inside);
  forbid_ipv6(make, host_name);
  allow_forwarding(make, host_name);
  raise(make, host_name);
  if (const int error = exchange(netlink, make); error != 0) {
    return error;
  }
  const auto interface = ::if_nametoindex(host_name);
  if (interface == 0) {
    return errno;
  }
  NetlinkRequest address;
  add_address(address, interface, host_address);
  return exchange(netlink, address);
}

int remove_wire(int netlink, const char* host_name) {
  NetlinkRequest request;
  request.begin(RTM_DELLINK, 0, ifinfomsg{});
  request.add(IFLA_IFNAME, std::string_view(host_name));
  return exchange(netlink, request);
}

int outgoing_interface(int netlink, std::uint32_t address, std::uint32_t& index) {
  NetlinkRequest request;
  rtmsg route{};
  route.rtm_family = AF_INET;
  route.rtm_dst_len = 32;
  request.begin(RTM_GETROUTE, 0, route);
  request.add(RTA_DST, htonl(address));
  return ask(netlink, request, sizeof route, RTA_OIF, index);
}

int join_wire(const WireAddresses& addresses) {
  const base::UniqueFd netlink(open_netlink());
  if (!netlink.valid()) {
    return errno;
  }
  const auto interface = ::if_nametoindex(kInsideName);
  NetlinkRequest request;
  forbid_ipv6(request, kInsideName);
  raise(request, kInsideName);
  add_address(request, interface, addresses.inside);
  add_default_route(request, interface, addresses.host);
  return interface == 0 ? ENODEV : exchange(netlink.get(), request);
}

}  // namespace hearth::sandbox
