#include "membership/fleet.h"

#include <algorithm>
#include <utility>

#include "base/bring_back.h"

namespace hearth::membership {

void DirectoryFleet::members(Listed done) {
  directory_.list([done = std::move(done)](base::Result<std::vector<model::Member>> members) {
    if (members) {
      std::erase_if(*members,
                    [](const model::Member& member) { return member.state == model::MemberState::kLeft; });
    }
    done(std::move(members));
  });
}

void DirectoryFleet::capacity(Counted done) {
  members([this, done = std::move(done)](const base::Result<std::vector<model::Member>>& members) {
    if (!members) {
      done(members.error());
      return;
    }
    gauge_.look(*members, loop_.now());
    done(gauge_.read(loop_.now()));
  });
}

void DirectoryFleet::drain(const std::string& id_or_uri, Drained done) {
  members([this, id_or_uri, done = std::move(done)](const base::Result<std::vector<model::Member>>& members) {
    if (!members) {
      done(members.error());
      return;
    }
    const auto found = std::ranges::find_if(*members, [&](const model::Member& member) {
      return member.worker && (member.id == id_or_uri || (!member.uri.empty() && member.uri == id_or_uri));
    });
    if (found == members->end()) {
      done(base::Error{base::ErrorCode::kNotFound, "there is no worker \"" + id_or_uri + "\""});
    } else if (found->state == model::MemberState::kDraining) {
      done({});
    } else {
      ask_(*found, done);
    }
  });
}

void DistantFleet::members(Listed done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([this, told] { fleet_.members(told); });
}

void DistantFleet::capacity(Counted done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([this, told] { fleet_.capacity(told); });
}

void DistantFleet::drain(const std::string& id_or_uri, Drained done) {
  auto told = base::bring_back(loop_, std::move(done));
  home_.post([this, id_or_uri, told] { fleet_.drain(id_or_uri, told); });
}

}  // namespace hearth::membership
