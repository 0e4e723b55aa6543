// Turns a table of system calls into a seccomp filter (seccomp(2), BPF). Each start has the kernel translate
// the filter anew, and try it on every number there is: so neighbouring numbers with one answer share a
// place, and the way to each is a binary search. Used by syscall_filter.cc. Pure.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"

namespace hearth::sandbox {

// The lower half of argument `argument`, masked, equals `value`. The upper half does not decide: the kernel
// reads these arguments as 32 bits.
struct ArgumentCheck {
  unsigned argument = 0;
  std::uint32_t mask = 0xFFFF'FFFF;
  std::uint32_t value = 0;
};
// All have to hold.
using Conditions = std::vector<ArgumentCheck>;

class FilterTable {
 public:
  // `otherwise` answers calls that the table does not name; a SECCOMP_RET_* value, as all actions here.
  explicit FilterTable(std::uint32_t otherwise) : otherwise_(otherwise) {}

  void set(std::uint32_t number, std::uint32_t action) { actions_[number] = action; }
  // Allowed under these conditions, or others given for it; else `otherwise`. Those of one call check the
  // same things of the same arguments in the same order.
  void allow_when(std::uint32_t number, const Conditions& conditions) {
    conditional_[number].push_back(conditions);
  }

  // For calls of this architecture (AUDIT_ARCH_*); one of another ends the process. kTooLarge when the
  // kernel would not take it.
  base::Result<std::vector<sock_filter>> compile(std::uint32_t architecture) const;

 private:
  std::uint32_t otherwise_;
  std::map<std::uint32_t, std::uint32_t> actions_;
  std::map<std::uint32_t, std::vector<Conditions>> conditional_;
};

}  // namespace hearth::sandbox
