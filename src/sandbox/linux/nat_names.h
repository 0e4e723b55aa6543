// The names and addresses that a server's sandboxes have on the host: all follow from the server's tag
// and a sandbox's number. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "sandbox/linux/veth.h"

namespace hearth::sandbox {

// 65,536 addresses, in host byte order: ranges are either the same or have nothing in common.
struct NatRange {
  std::uint32_t first = 0;

  static constexpr std::uint32_t kMask = 0xFFFF0000;
  // The first pair stays free: it holds the address that stands for the range itself.
  static constexpr std::uint32_t kWires = 0x10000 / 2 - 1;

  bool contains(std::uint32_t address) const { return (address & kMask) == first; }
  WireAddresses wire(std::uint32_t number) const {
    const auto host = first + 2 * (number + 1);
    return {host, host + 1};
  }
};

// "A.B.0.0/16". kInvalidArgument.
base::Result<NatRange> parse_nat_range(const std::string& text);
std::string to_string(const NatRange& range);

// Interface names are 15 characters at most: a hash stands for the tag.
class NatNames {
 public:
  explicit NatNames(const std::string& tag);

  const std::string& table() const { return table_; }
  const std::string& interface_prefix() const { return prefix_; }
  std::string interface(std::uint32_t number) const;

 private:
  std::string table_;
  std::string prefix_;
};

}  // namespace hearth::sandbox
