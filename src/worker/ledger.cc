#include "worker/ledger.h"

#include <cassert>
#include <utility>

namespace hearth::worker {

Reservation::Reservation(Reservation&& other) noexcept
    : ledger_(std::exchange(other.ledger_, nullptr)), memory_mb_(std::exchange(other.memory_mb_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    std::swap(ledger_, other.ledger_);
    std::swap(memory_mb_, other.memory_mb_);
  }
  return *this;
}

Reservation::~Reservation() {
  if (ledger_ != nullptr) {
    ledger_->free_mb_ += memory_mb_;
    assert(ledger_->free_mb_ <= ledger_->total_mb_);
  }
}

bool Reservation::resize(std::uint32_t memory_mb) {
  const std::uint32_t available_mb = ledger_->free_mb_ + memory_mb_;
  if (memory_mb > available_mb) {
    return false;
  }
  ledger_->free_mb_ = available_mb - memory_mb;
  memory_mb_ = memory_mb;
  return true;
}

std::optional<Reservation> Ledger::reserve(std::uint32_t memory_mb) {
  if (memory_mb > free_mb_) {
    return std::nullopt;
  }
  free_mb_ -= memory_mb;
  return Reservation(*this, memory_mb);
}

bool Ledger::give_up(std::uint32_t memory_mb) {
  if (memory_mb > free_mb_) {
    return false;
  }
  free_mb_ -= memory_mb;
  total_mb_ -= memory_mb;
  return true;
}

void Ledger::take_over(std::uint32_t memory_mb) {
  total_mb_ += memory_mb;
  free_mb_ += memory_mb;
}

}  // namespace hearth::worker
