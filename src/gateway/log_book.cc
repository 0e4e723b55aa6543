#include "gateway/log_book.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hearth::gateway {
namespace {

std::size_t bytes_of(const LogEntry& entry) {
  std::size_t bytes =
      sizeof(LogEntry) + entry.function.size() + entry.request_id.size() + entry.instance.size();
  for (const auto& chunk : entry.logs.chunks) {
    bytes += sizeof(chunk) + chunk.text.size();
  }
  return bytes;
}

}  // namespace

std::vector<LogEntry> merge(std::vector<std::vector<LogEntry>> found, std::size_t limit) {
  std::vector<LogEntry> entries;
  for (auto& part : found) {
    std::move(part.begin(), part.end(), std::back_inserter(entries));
  }
  std::sort(entries.begin(), entries.end(),
            [](const LogEntry& a, const LogEntry& b) { return a.sequence < b.sequence; });
  if (entries.size() > limit) {
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(limit));
  }
  return entries;
}

void LogBook::number_among(std::size_t count, std::size_t index) {
  count_ = count;
  index_ = index;
}

void LogBook::add(LogEntry entry) {
  // The next one with our remainder.
  last_sequence_ += 1 + (count_ + index_ - (last_sequence_ + 1) % count_) % count_;
  entry.sequence = last_sequence_;
  bytes_ += bytes_of(entry);
  auto& index = by_function_[entry.function];
  entries_.push_back(std::move(entry));
  index.push_back(std::prev(entries_.end()));
  if (index.size() > limits_.entries_per_function) {
    drop_oldest_of(index);
  }
  while (bytes_ > limits_.bytes && entries_.size() > 1) {
    // The oldest of all is the oldest of its function.
    const auto oldest = by_function_.find(entries_.front().function);
    drop_oldest_of(oldest->second);
    if (oldest->second.empty()) {
      by_function_.erase(oldest);
    }
  }
}

void LogBook::drop_oldest_of(std::deque<Entries::iterator>& index) {
  bytes_ -= bytes_of(*index.front());
  entries_.erase(index.front());
  index.pop_front();
}

std::vector<const LogEntry*> LogBook::find(const model::FunctionId& function, const LogQuery& query) const {
  std::vector<const LogEntry*> found;
  const auto index = by_function_.find(function);
  if (index == by_function_.end()) {
    return found;
  }
  for (auto entry = index->second.rbegin(); entry != index->second.rend() && found.size() < query.limit;
       ++entry) {
    if ((*entry)->sequence <= query.after) {
      break;
    }
    const bool asked = query.request_id.empty() || (*entry)->request_id == query.request_id;
    if (asked && (*entry)->sequence <= query.upto) {
      found.push_back(&**entry);
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::vector<LogEntry> LogBook::copy(const model::FunctionId& function, const LogQuery& query) const {
  std::vector<LogEntry> entries;
  for (const LogEntry* entry : find(function, query)) {
    entries.push_back(*entry);
  }
  return entries;
}

void LogBook::forget(const model::FunctionId& function) {
  const auto index = by_function_.find(function);
  if (index == by_function_.end()) {
    return;
  }
  while (!index->second.empty()) {
    drop_oldest_of(index->second);
  }
  by_function_.erase(index);
}

}  // namespace hearth::gateway
