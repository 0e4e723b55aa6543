// Outbound network for sandboxes (`--network nat`): each gets a wire of its own to the host (veth.h),
// which forwards what a table of rules lets through (firewall.h) under its own address. docs/sandbox.md
// says what is open, what is closed and what changes on the host.
//
// Owned by LinuxBackend, which has its StartPool call connect() and calls disconnect() after a sandbox's
// end. In the host's network namespace, as root, one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/linux/forwarding.h"
#include "sandbox/linux/nat_names.h"
#include "sandbox/linux/options.h"
#include "sandbox/linux/tag_lock.h"

namespace hearth::sandbox {

class NatNetwork {
 public:
  // Loads the rules, and has the host forward what comes back. kInvalidArgument (options; a range that
  // is in use), kUnsupported (no nft), kBusy (another server has the range), kNotFound (no route to the
  // internet or a resolver), kIo.
  static base::Result<std::unique_ptr<NatNetwork>> open(const LinuxOptions& options);

  NatNetwork(const NatNetwork&) = delete;
  NatNetwork& operator=(const NatNetwork&) = delete;
  // Takes back all that was done to the host. The sandboxes must have ended.
  ~NatNetwork();

  // Lays a wire into a new network namespace. `number` is below LinuxOptions::uid_count, and the wire's
  // until disconnect(). kIo; nothing is left then.
  base::Result<void> connect(std::uint32_t number, int network_namespace);
  // Takes the wire up.
  void disconnect(std::uint32_t number);

 private:
  NatNetwork(const LinuxOptions& options, const NatRange& range);
  base::Result<void> prepare(const LinuxOptions& options);

  TagLock range_lock_;  // first: let go when all else has been undone
  NatRange range_;
  NatNames names_;
  base::UniqueFd netlink_;
  Forwarding forwarding_;
  std::string mark_;  // a file that says there is a table
};

// What a killed predecessor with the same tag left, whichever network the options ask for: its wires,
// and its table unless open() has replaced it. Returns how many there were.
base::Result<std::uint32_t> sweep_nat(const LinuxOptions& options);

}  // namespace hearth::sandbox
