#include "launcher/control_files.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <utility>

namespace hearth::launcher {

sandbox::Control take_control(PacketReceiver& packet, std::uint8_t present) {
  sandbox::Control control;
  const auto descriptors = packet.descriptors();
  if (packet.descriptors_lost() || descriptors.size() != static_cast<std::size_t>(std::popcount(present))) {
    return control;
  }
  if ((present & kFreezerPresent) != 0) {
    control.freezer = std::move(descriptors.front());
  }
  if ((present & kMemoryPresent) != 0) {
    control.memory = std::move(descriptors.back());
  }
  return control;
}

base::Result<void> freeze(const sandbox::Control& control, bool frozen) {
  if (control.freezer.valid() && ::write(control.freezer.get(), frozen ? "1" : "0", 1) != 1) {
    return base::io_error(frozen ? "cannot be stopped" : "cannot be continued", errno);
  }
  return {};
}

std::uint64_t used_bytes(const sandbox::Control& control) {
  std::array<char, 32> text{};
  std::uint64_t bytes = 0;
  if (control.memory.valid()) {
    const auto got = ::pread(control.memory.get(), text.data(), text.size(), 0);
    std::from_chars(text.data(), text.data() + std::max<ssize_t>(got, 0), bytes);
  }
  return bytes;
}

}  // namespace hearth::launcher
