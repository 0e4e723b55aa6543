// Randomness handed in, so that tests and simulations can repeat a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth::base {

class Random {
 public:
  virtual ~Random() = default;
  // Never fails: a machine without randomness cannot run Hearth, and the real one ends the process.
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

// getrandom(2). Any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// The same bytes, fetched a page at a time: for who needs a few on every call. One thread.
class PooledRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::array<std::uint8_t, 4'096> pool_{};
  std::size_t used_ = sizeof(pool_);
};

// A fixed sequence from a seed; not secret. One thread.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace hearth::base
