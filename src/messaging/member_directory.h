// The directory of members: who belongs to the platform, each with its card. Who stops saying so is
// forgotten; who ends as it should leaves a last card, model::MemberState::kLeft, so that the two can be told
// apart.
//
// Loop thread only. Callbacks may run inside the call. Each has its answer, or an error, in bounded time.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/member.h"

namespace hearth::messaging {

class MemberDirectory {
 public:
  using Published = std::function<void(base::Result<bool> known)>;
  using Listed = std::function<void(base::Result<std::vector<model::Member>>)>;
  using Dropped = std::function<void(base::Result<std::size_t>)>;

  virtual ~MemberDirectory() = default;

  // Keeps the card for --worker-timeout, in the place of an older one of the same id. `known`: there was one;
  // false for who is new, or had been forgotten. kUnavailable: nobody keeps it now.
  virtual void publish(const model::Member& card, Published done) = 0;

  // Of each member the newest card, by id; those that have left for as long as their last card is kept.
  // kUnavailable: the directory does not answer.
  virtual void list(Listed done) = 0;

  // Takes away the allocations that a worker has announced, for one that is lost: entries are hints, which
  // whoever takes one of these would find out one by one. `done`: how many there were.
  virtual void drop_entries(const std::string& worker_uri, Dropped done) = 0;
};

}  // namespace hearth::messaging
