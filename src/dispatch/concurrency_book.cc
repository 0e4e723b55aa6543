#include "dispatch/concurrency_book.h"

#include <algorithm>
#include <string>

namespace hearth::dispatch {
namespace {

// What so many calls at once take, when each instance is full.
std::uint64_t memory_for(std::uint32_t calls, std::uint32_t calls_an_instance, std::uint32_t instance_mb) {
  return (std::uint64_t{calls} + calls_an_instance - 1) / calls_an_instance * instance_mb;
}

template <typename Entry>
std::uint64_t reserved_by(const Entry& entry) {
  return memory_for(entry.limits.reserved, entry.calls_an_instance, entry.instance_mb);
}

// Beyond what it has reserved.
template <typename Entry>
std::uint64_t shared_by(const Entry& entry, std::uint32_t running) {
  const std::uint64_t used = memory_for(running, entry.calls_an_instance, entry.instance_mb);
  return used - std::min(used, reserved_by(entry));
}

base::Error exhausted(std::string message) { return {base::ErrorCode::kExhausted, std::move(message)}; }

}  // namespace

void ConcurrencyBook::set_share(GatewayShare share, std::uint64_t capacity_mb) {
  const std::lock_guard lock(mutex_);
  if (share == share_ && capacity_mb == capacity_mb_) {
    return;
  }
  share_ = share;
  capacity_mb_ = capacity_mb;
  count_again();
}

void ConcurrencyBook::set(const model::Function& function) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[function.id];
  entry.whole = function.concurrency;
  entry.instance_mb = function.current.memory_mb;
  entry.calls_an_instance = function.current.concurrency;
  drop_if_unused(function.id);
  count_again();
}

void ConcurrencyBook::forget(const model::FunctionId& function) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(function); found != entries_.end()) {
    found->second.whole = {};
    drop_if_unused(function);
    count_again();
  }
}

base::Result<void> ConcurrencyBook::check(const model::Function& function,
                                          const model::Concurrency& wanted) const {
  const std::lock_guard lock(mutex_);
  const auto memory_of = [](const model::Concurrency& limits, std::uint32_t calls, std::uint32_t mb) {
    return memory_for(limits.reserved, calls, mb);
  };
  std::uint64_t others = 0;
  for (const auto& [id, entry] : entries_) {
    others += id == function.id ? 0 : memory_of(entry.whole, entry.calls_an_instance, entry.instance_mb);
  }
  const std::uint64_t own = memory_of(wanted, function.current.concurrency, function.current.memory_mb);
  if (own > 0 && others + own > capacity_mb_) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "\"reservedConcurrency\": " + std::to_string(own) + " MB; of the " +
                           std::to_string(capacity_mb_) +
                           " MB that there are for instances others have reserved " + std::to_string(others)};
  }
  return {};
}

base::Result<bool> ConcurrencyBook::enter(const model::Version& version) {
  const std::lock_guard lock(mutex_);
  if (!is_counted(version.function_id)) {
    return false;
  }
  Entry& entry = entry_of(version);
  const auto& maximum = entry.limits.maximum;
  if (maximum && entry.running >= *maximum) {
    const bool divided = *maximum != *entry.whole.maximum;
    return exhausted(std::to_string(entry.running) +
                     " calls of this function run at once: its maxConcurrency is " +
                     std::to_string(*entry.whole.maximum) +
                     (divided ? ", of which this gateway admits " + std::to_string(*maximum) : ""));
  }
  const std::uint64_t more = shared_by(entry, entry.running + 1) - shared_by(entry, entry.running);
  if (reserved_mb_ > 0 && more > 0 && shared_mb_ + more > unreserved_mb()) {
    drop_if_unused(version.function_id);
    return exhausted("what other functions have not reserved (their reservedConcurrency) is in use");
  }
  change_running(entry, entry.running + 1);
  return true;
}

bool ConcurrencyBook::enter_late(const model::Version& version) {
  const std::lock_guard lock(mutex_);
  if (!is_counted(version.function_id)) {
    return false;
  }
  Entry& entry = entry_of(version);
  change_running(entry, entry.running + 1);
  return true;
}

void ConcurrencyBook::leave(const model::FunctionId& function) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(function);
  change_running(entry, entry.running - 1);
  drop_if_unused(function);
}

std::uint32_t ConcurrencyBook::running(const model::FunctionId& function) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(function);
  return found == entries_.end() ? 0 : found->second.running;
}

// All are, where some have reserved what others must not use.
bool ConcurrencyBook::is_counted(const model::FunctionId& function) const {
  const auto found = entries_.find(function);
  return reserved_mb_ > 0 || (found != entries_.end() && found->second.limits.maximum.has_value());
}

ConcurrencyBook::Entry& ConcurrencyBook::entry_of(const model::Version& version) {
  const auto [entry, fresh] = entries_.try_emplace(version.function_id);
  if (fresh) {
    entry->second.instance_mb = version.memory_mb;
    entry->second.calls_an_instance = version.concurrency;
  }
  return entry->second;
}

void ConcurrencyBook::change_running(Entry& entry, std::uint32_t running) {
  shared_mb_ -= shared_by(entry, entry.running);
  entry.running = running;
  shared_mb_ += shared_by(entry, entry.running);
}

void ConcurrencyBook::drop_if_unused(const model::FunctionId& function) {
  const auto found = entries_.find(function);
  const Entry& entry = found->second;
  if (entry.running == 0 && !entry.whole.maximum && entry.whole.reserved == 0) {
    entries_.erase(found);
  }
}

void ConcurrencyBook::count_again() {
  bool limited = false;
  reserved_mb_ = 0;
  shared_mb_ = 0;
  for (auto& [id, entry] : entries_) {
    entry.limits = entry.whole;
    entry.limits.reserved = share_.of(entry.whole.reserved);
    if (entry.whole.maximum) {
      entry.limits.maximum = share_.of(*entry.whole.maximum);
    }
    reserved_mb_ += reserved_by(entry);
    shared_mb_ += shared_by(entry, entry.running);
    limited = limited || entry.limits.maximum.has_value();
  }
  active_.store(limited || reserved_mb_ > 0, std::memory_order_relaxed);
}

std::uint64_t ConcurrencyBook::unreserved_mb() const {
  const std::uint64_t capacity = capacity_mb_ / share_.gateways;
  return capacity - std::min(capacity, reserved_mb_);
}

}  // namespace hearth::dispatch
