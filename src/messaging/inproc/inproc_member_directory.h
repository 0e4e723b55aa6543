// The directory of a platform that is one process: what that has published, and nobody else.
//
// Loop thread only. Callbacks run inside the call.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "messaging/member_directory.h"

namespace hearth::messaging {

class InprocMemberDirectory final : public MemberDirectory {
 public:
  void publish(const model::Member& card, Published done) override {
    const auto [kept, added] = cards_.try_emplace(card.id, card);
    if (kept->second.beat <= card.beat) {
      kept->second = card;
    }
    done(!added);
  }

  void list(Listed done) override {
    std::vector<model::Member> members;
    for (const auto& [id, card] : cards_) {
      members.push_back(card);
    }
    done(std::move(members));
  }

  // A worker that is lost takes its messaging with it.
  void drop_entries(const std::string& /*worker_uri*/, Dropped done) override { done(std::size_t{0}); }

 private:
  std::map<std::string, model::Member> cards_;
};

}  // namespace hearth::messaging
