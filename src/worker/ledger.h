// The worker's memory: what it may promise, and to which reservations it has. Conservative, as the
// paper has it (section II-C): a function is taken to use all of its memory size.
//
// total == free + Σ reservations at every instant. Pure; loop thread only.
#pragma once

#include <cstdint>
#include <optional>

namespace hearth::worker {

class Ledger;

// Memory set aside; given back by the destructor. The ledger outlives it.
class [[nodiscard]] Reservation {
 public:
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation();

  std::uint32_t memory_mb() const { return memory_mb_; }
  // Shrinks, or grows if that much is free; false, and nothing changes, if it is not.
  bool resize(std::uint32_t memory_mb);

 private:
  friend class Ledger;
  Reservation(Ledger& ledger, std::uint32_t memory_mb) : ledger_(&ledger), memory_mb_(memory_mb) {}

  Ledger* ledger_;
  std::uint32_t memory_mb_;
};

class Ledger {
 public:
  explicit Ledger(std::uint32_t total_mb) : total_mb_(total_mb), free_mb_(total_mb) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Nothing when less than `memory_mb` is free.
  std::optional<Reservation> reserve(std::uint32_t memory_mb);

  // Memory that another worker's ledger has from now on; false, and nothing changes, when less is free.
  bool give_up(std::uint32_t memory_mb);
  // What another's has given up.
  void take_over(std::uint32_t memory_mb);

  std::uint32_t total_mb() const { return total_mb_; }
  std::uint32_t free_mb() const { return free_mb_; }

 private:
  friend class Reservation;

  std::uint32_t total_mb_;
  std::uint32_t free_mb_;
};

}  // namespace hearth::worker
