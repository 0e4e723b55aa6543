// The wire between a sandbox and the host: a pair of virtual interfaces (veth(4)) with one address
// each. The host's end stands in the network namespace of the launcher, the sandbox's end is its eth0.
// Functions over netlink.h, for NatNetwork.
#pragma once

#include <cstdint>

namespace hearth::sandbox {

inline constexpr const char* kInsideName = "eth0";

// Two neighbouring addresses, in host byte order, which are all of their network (RFC 3021).
struct WireAddresses {
  std::uint32_t host = 0;
  std::uint32_t inside = 0;
};
inline constexpr std::uint8_t kWirePrefixBits = 31;

// All return 0 or errno.
//
// Makes the pair, with the other end in the network namespace `inside`, and raises the host's end: it
// forwards IPv4 and has no IPv6.
int make_wire(int netlink, const char* host_name, std::uint32_t host_address, int inside);
// Both ends. Waits for the kernel, which may take milliseconds.
int remove_wire(int netlink, const char* host_name);
// ENETUNREACH and the like when the host has no route to it.
int outgoing_interface(int netlink, std::uint32_t address, std::uint32_t& index);

// Called with the thread inside: raises the inside's end, with the default route through
// the host's and without IPv6.
int join_wire(const WireAddresses& addresses);

}  // namespace hearth::sandbox
