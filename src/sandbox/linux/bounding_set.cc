#include "sandbox/linux/bounding_set.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>

namespace hearth::sandbox {
namespace {

constexpr std::array kForAll = {CAP_NET_ADMIN};
// What child.h's steps of a fork take: namespaces, mounts and the host name; to enter a mount namespace; to
// enter a code folder of another user's; limits above our own; the user; the bounding set itself.
constexpr std::array kWithZygotes = {CAP_NET_ADMIN, CAP_SYS_ADMIN,    CAP_SYS_CHROOT, CAP_DAC_READ_SEARCH,
                                     CAP_SETGID,    CAP_SYS_RESOURCE, CAP_SETUID,     CAP_SETPCAP};

}  // namespace

void narrow_bounding_set(bool for_zygotes) {
  keep_in_bounding_set(for_zygotes ? std::span<const int>(kWithZygotes) : std::span<const int>(kForAll));
}

void keep_in_bounding_set(std::span<const int> capabilities) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (std::ranges::find(capabilities, capability) == capabilities.end()) {
      ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  }
}

}  // namespace hearth::sandbox
