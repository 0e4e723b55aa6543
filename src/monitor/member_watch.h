// What becomes of a platform's members, from one look at the directory to the next. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/member.h"

namespace hearth::monitor {

enum class MemberFate {
  kCame,
  kDrains,
  kLeft,  // as it should
  kLost,  // said nothing any more
};
std::string_view to_string(MemberFate fate);

struct MemberEvent {
  MemberFate fate = MemberFate::kCame;
  model::Member member;  // as it was last seen
  // Of a lost worker: nobody has been started in its place, at the same URI.
  bool uri_is_free = false;

  bool operator==(const MemberEvent&) const = default;
};

// A directory that has been emptied has every member again after a beat or two: who is missing in so many
// looks in a row is lost.
inline constexpr int kMissedLooksOfTheLost = 3;

class MemberWatch {
 public:
  // `members`: by id, each once; those that have left are named as long as the directory remembers.
  std::vector<MemberEvent> look(const std::vector<model::Member>& members);

  std::size_t members() const { return known_.size(); }

 private:
  struct Known {
    model::Member member;
    int missed = 0;
    bool seen = false;  // in this look
  };

  void see(const model::Member& member, std::vector<MemberEvent>& events);

  std::map<std::string, Known> known_;  // by id
};

}  // namespace hearth::monitor
