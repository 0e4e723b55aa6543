// What functions wrote, call by call: the newest entries, in memory, bounded by entries a function
// and by bytes in all. Lost when the server stops. Loop thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/function.h"
#include "model/outcome.h"
#include "model/request_id.h"

namespace hearth::gateway {

struct LogEntry {
  std::uint64_t sequence = 0;  // counts up over all functions
  model::FunctionId function;
  model::RequestId request_id;
  std::int64_t time_ms = 0;  // Unix time of the call's end
  std::string instance;
  model::OutcomeKind outcome = model::OutcomeKind::kReturned;
  std::int64_t duration_us = 0;
  bool cold = false;
  model::CapturedLogs logs;
};

struct LogBookLimits {
  std::size_t entries_per_function = 1'000;  // --log-entries
  std::size_t bytes = 64ULL << 20U;          // --log-bytes, in all
};

struct LogQuery {
  std::uint64_t after = 0;          // only entries with a greater sequence
  std::uint64_t upto = UINT64_MAX;  // and none with a greater one than this
  std::size_t limit = 100;          // the newest that many
  std::string request_id;           // only this call's, unless empty
};

// What several books have found, as one: the newest `limit`, oldest first. Nothing is left out that is added
// later, if each book numbers from the query's `upto` before it looks.
std::vector<LogEntry> merge(std::vector<std::vector<LogEntry>> found, std::size_t limit);

class LogBook {
 public:
  explicit LogBook(LogBookLimits limits) : limits_(limits) {}

  // One of `count` books, whose sequences differ from one another: this one's leave the remainder `index`.
  // Before the first add().
  void number_among(std::size_t count, std::size_t index);
  // Sequences given from now on are greater than `least`; with several books a time, so that they are in
  // order.
  void number_from(std::uint64_t least) { last_sequence_ = std::max(last_sequence_, least); }

  // `entry.sequence` is set here.
  void add(LogEntry entry);
  // Oldest first.
  std::vector<const LogEntry*> find(const model::FunctionId& function, const LogQuery& query) const;
  std::vector<LogEntry> copy(const model::FunctionId& function, const LogQuery& query) const;
  void forget(const model::FunctionId& function);
  std::size_t bytes() const { return bytes_; }

 private:
  using Entries = std::list<LogEntry>;

  void drop_oldest_of(std::deque<Entries::iterator>& index);

  const LogBookLimits limits_;
  Entries entries_;  // oldest first
  std::unordered_map<model::FunctionId, std::deque<Entries::iterator>> by_function_;
  std::size_t bytes_ = 0;
  std::uint64_t last_sequence_ = 0;  // given, or passed over
  std::uint64_t count_ = 1;
  std::uint64_t index_ = 0;
};

}  // namespace hearth::gateway
