#include "worker/ledger.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace hearth::worker {

Reservation::Reservation(Reservation&& other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)),
      memory_mb_(std::exchange(other.memory_mb_, 0)),
      charged_mb_(std::exchange(other.charged_mb_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    std::swap(ledger_, other.ledger_);
    std::swap(memory_mb_, other.memory_mb_);
    std::swap(charged_mb_, other.charged_mb_);
  }
  return *this;
}

Reservation::~Reservation() {
  if (ledger_ != nullptr) {
    assert(ledger_->promised_mb_ >= memory_mb_ && ledger_->charged_mb_ >= charged_mb_);
    ledger_->promised_mb_ -= memory_mb_;
    ledger_->charged_mb_ -= charged_mb_;
  }
}

bool Reservation::resize(std::uint32_t memory_mb) {
  const bool fits = memory_mb <= ledger_->unpromised_mb() + memory_mb_ &&
                    memory_mb <= ledger_->uncharged_mb() + charged_mb_;
  if (!fits) {
    return false;
  }
  ledger_->promised_mb_ = ledger_->promised_mb_ - memory_mb_ + memory_mb;
  ledger_->charged_mb_ = ledger_->charged_mb_ - charged_mb_ + memory_mb;
  memory_mb_ = charged_mb_ = memory_mb;
  return true;
}

void Reservation::charge_only(std::uint32_t used_mb) {
  const std::uint32_t less_mb = charged_mb_ - std::min(charged_mb_, used_mb);
  charged_mb_ -= less_mb;
  ledger_->charged_mb_ -= less_mb;
}

bool Reservation::charge_in_full() {
  const std::uint32_t more_mb = std::min(memory_mb_ - charged_mb_, ledger_->uncharged_mb());
  charged_mb_ += more_mb;
  ledger_->charged_mb_ += more_mb;
  return charged_mb_ == memory_mb_;
}

Ledger::Ledger(std::uint32_t total_mb, double overcommit)
    : overcommit_(std::max(1.0, overcommit)), total_mb_(total_mb) {}

std::uint32_t Ledger::most_promised(std::uint32_t total_mb) const {
  return static_cast<std::uint32_t>(
      std::min(overcommit_ * total_mb, static_cast<double>(std::numeric_limits<std::uint32_t>::max())));
}

std::uint32_t Ledger::free_mb() const { return std::min(uncharged_mb(), unpromised_mb()); }

std::optional<Reservation> Ledger::reserve(std::uint32_t memory_mb) {
  if (memory_mb > free_mb()) {
    return std::nullopt;
  }
  promised_mb_ += memory_mb;
  charged_mb_ += memory_mb;
  return Reservation(*this, memory_mb);
}

bool Ledger::give_up(std::uint32_t memory_mb) {
  if (memory_mb > uncharged_mb() || promised_mb_ > most_promised(total_mb_ - memory_mb)) {
    return false;
  }
  total_mb_ -= memory_mb;
  return true;
}

void Ledger::take_over(std::uint32_t memory_mb) { total_mb_ += memory_mb; }

}  // namespace hearth::worker
