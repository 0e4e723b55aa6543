// Whose lease has run out, as one server sees the table of followers: whose row has stood still for as long
// as a lease lasts, by this server's own clock. The database's may be wrong, and may jump.
//
// A pure value; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hearth::store::postgres {

struct FollowerRow {
  std::string id;
  std::int64_t position = 0;
  std::string renewed;  // another text with each renewal; what it says is of no use here

  bool operator==(const FollowerRow&) const = default;
};

class FollowerWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // All rows that there were; `answered`: a time after they were read. Looks may be told out of order.
  void see(const std::vector<FollowerRow>& rows, TimePoint answered);
  // Whether the lease of one that was seen has run out.
  bool is_over(const std::string& id, TimePoint now) const;

 private:
  struct Seen {
    std::string renewed;
    TimePoint first;
  };

  std::map<std::string, Seen> seen_;
};

}  // namespace hearth::store::postgres
