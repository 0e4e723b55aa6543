#include "messaging/redis/demand_book.h"

namespace hearth::messaging {

DemandBook::Entry* DemandBook::heard(const std::string& asker, std::uint64_t serial, base::TimePoint now,
                                     bool& first) {
  first = false;
  const auto found = entries_.find({asker, serial});
  if (found != entries_.end()) {
    found->second.heard = now;
    return &found->second;
  }
  if (entries_.size() >= kMost) {
    return nullptr;
  }
  first = true;
  Entry& entry = entries_[{asker, serial}];
  entry.local_id = ++last_id_;
  entry.heard = now;
  return &entry;
}

std::optional<std::uint64_t> DemandBook::withdraw(const std::string& asker, std::uint64_t serial,
                                                  base::TimePoint now) {
  bool first = false;
  Entry* entry = heard(asker, serial, now, first);
  if (entry == nullptr) {
    return std::nullopt;
  }
  const bool stood = entry->standing && !first;
  entry->standing = false;
  return stood ? std::optional(entry->local_id) : std::nullopt;
}

std::vector<std::uint64_t> DemandBook::expire(base::TimePoint now) {
  std::vector<std::uint64_t> expired;
  std::erase_if(entries_, [&](const auto& each) {
    const Entry& entry = each.second;
    const bool old = entry.heard + kLife <= now;
    if (old && entry.standing) {
      expired.push_back(entry.local_id);
    }
    return old;
  });
  return expired;
}

}  // namespace hearth::messaging
