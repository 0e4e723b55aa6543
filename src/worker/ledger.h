// The worker's memory: what it may promise, and to which reservations it has. Conservative, as the
// paper has it (section II-C): a function is taken to use all of its memory size.
//
// With an overcommit over one more may be promised than there is (section IV-D), as an idle instance is
// charged what it uses. Whatever runs, or may begin to, is charged all that it was promised.
//
// total == uncharged + Σ charges, and Σ promises <= overcommit × total, at every instant. Pure; loop thread
// only.
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

  // What it was promised.
  std::uint32_t memory_mb() const { return memory_mb_; }
  // What it is charged: no more than that.
  std::uint32_t charged_mb() const { return charged_mb_; }

  // Shrinks, or grows if that much is free, and is charged in full; false, and nothing changes, if it is not.
  bool resize(std::uint32_t memory_mb);
  // Charges less: what is used while nothing runs. No effect when that is not less.
  void charge_only(std::uint32_t used_mb);
  // Charges as much of the promise as can be had; true when that is all of it.
  bool charge_in_full();

 private:
  friend class Ledger;
  Reservation(Ledger& ledger, std::uint32_t memory_mb)
      : ledger_(&ledger), memory_mb_(memory_mb), charged_mb_(memory_mb) {}

  Ledger* ledger_;
  std::uint32_t memory_mb_;
  std::uint32_t charged_mb_;
};

class Ledger {
 public:
  // `overcommit`: 1 or more.
  explicit Ledger(std::uint32_t total_mb, double overcommit = 1);
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Nothing when less than `memory_mb` is free.
  std::optional<Reservation> reserve(std::uint32_t memory_mb);

  // Memory that another worker's ledger has from now on; false, and nothing changes, when less is free.
  bool give_up(std::uint32_t memory_mb);
  // What another's has given up.
  void take_over(std::uint32_t memory_mb);

  std::uint32_t total_mb() const { return total_mb_; }
  // What can be reserved: neither promised to the bound nor charged.
  std::uint32_t free_mb() const;
  std::uint32_t promised_mb() const { return promised_mb_; }
  std::uint32_t uncharged_mb() const { return total_mb_ - charged_mb_; }
  std::uint32_t unpromised_mb() const { return most_promised(total_mb_) - promised_mb_; }

 private:
  friend class Reservation;

  std::uint32_t most_promised(std::uint32_t total_mb) const;

  const double overcommit_;
  std::uint32_t total_mb_;
  std::uint32_t promised_mb_ = 0;
  std::uint32_t charged_mb_ = 0;
};

}  // namespace hearth::worker
