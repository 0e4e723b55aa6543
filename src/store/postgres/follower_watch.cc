#include "store/postgres/follower_watch.h"

#include <utility>

#include "store/change_feed.h"

namespace hearth::store::postgres {

void FollowerWatch::see(const std::vector<FollowerRow>& rows, TimePoint answered) {
  std::map<std::string, Seen> now;
  for (const FollowerRow& row : rows) {
    const auto before = seen_.find(row.id);
    const bool stands = before != seen_.end() && before->second.renewed == row.renewed;
    now[row.id] = {row.renewed, stands ? before->second.first : answered};
  }
  seen_ = std::move(now);
}

bool FollowerWatch::is_over(const std::string& id, TimePoint now) const {
  const auto found = seen_.find(id);
  return found != seen_.end() && now - found->second.first >= kFollowerLease;
}

}  // namespace hearth::store::postgres
