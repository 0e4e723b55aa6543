#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace hearth::base {

void SystemRandom::fill(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::getrandom(out.data() + done, out.size() - done, 0);
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      std::abort();
    }
  }
}

void PooledRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    if (used_ == pool_.size()) {
      SystemRandom().fill(pool_);
      used_ = 0;
    }
    const std::size_t part = std::min(out.size(), pool_.size() - used_);
    std::memcpy(out.data(), pool_.data() + used_, part);
    used_ += part;
    out = out.subspan(part);
  }
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
  // splitmix64, a byte at a time: simple and the same on every machine.
  for (auto& byte : out) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebULL;
    byte = static_cast<std::uint8_t>((mixed ^ (mixed >> 31U)) & 0xffU);
  }
}

}  // namespace hearth::base
