#include "sandbox/control.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace hearth::sandbox {

base::Result<void> Control::set_frozen(bool frozen) const {
  if (freezer.valid() && ::write(freezer.get(), frozen ? "1" : "0", 1) != 1) {
    return base::io_error(frozen ? "a sandbox cannot be stopped" : "a sandbox cannot be continued", errno);
  }
  return {};
}

std::uint64_t Control::used_bytes() const {
  std::array<char, 32> text{};
  std::uint64_t bytes = 0;
  if (memory.valid()) {
    const auto got = ::pread(memory.get(), text.data(), text.size(), 0);
    std::from_chars(text.data(), text.data() + std::max<ssize_t>(got, 0), bytes);
  }
  return bytes;
}

}  // namespace hearth::sandbox
