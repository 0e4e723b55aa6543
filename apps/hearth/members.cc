#include "apps/hearth/members.h"

#include <utility>

#include "base/log.h"
#include "base/unix_time.h"

namespace hearth {
namespace {

model::MemberRole role_of(const Roles& roles) {
  if (roles.gateway) {
    return roles.worker ? model::MemberRole::kServe : model::MemberRole::kGateway;
  }
  return roles.worker ? model::MemberRole::kWorker : model::MemberRole::kMonitor;
}

membership::CardMaker card_maker(const ServeOptions& options, base::Random& random) {
  model::Member about;
  about.role = role_of(options.roles);
  about.id = membership::make_member_id(about.role, random);
  about.uri = options.advertise;
  about.release = HEARTH_VERSION;
  about.started_ms = base::unix_now_ms();
  return {std::move(about), options.load_window};
}

}  // namespace

Members::Members(const ServeOptions& options, MembersParts parts)
    : parts_(std::move(parts)),
      directory_(parts_.cluster != nullptr
                     ? static_cast<messaging::MemberDirectory&>(parts_.cluster->directory())
                     : own_directory_),
      fleet_({options.load_window, options.target_utilisation}, parts_.loop, directory_,
             [this](const model::Member& member, const membership::Fleet::Drained& done) {
               ask_to_leave(member, done);
             }),
      heartbeat_(card_maker(options, parts_.random), membership::heartbeat_interval(options.worker_timeout),
                 heartbeat_parts(options.roles)) {}

Members::~Members() = default;

// A process that is a worker alone asks nothing of the others.
membership::HeartbeatParts Members::heartbeat_parts(const Roles& roles) {
  membership::HeartbeatParts made{parts_.loop, directory_, parts_.load, parts_.announce_again, {}};
  if (roles.gateway || roles.monitor) {
    made.looked = [this](const std::vector<model::Member>& members) {
      fleet_.looked(members);
      if (parts_.looked) {
        parts_.looked(members);
      }
    };
  }
  return made;
}

void Members::open() {
  if (parts_.cluster != nullptr) {
    spdlog::info("members: this is {}", id());
    // Who could not be told until now is told at once.
    parts_.cluster->directory().open([this] { heartbeat_.beat(); });
  }
  heartbeat_.start();
}

void Members::ask_to_leave(const model::Member& member, const membership::Fleet::Drained& done) {
  if (parts_.cluster == nullptr) {
    done(base::Error{base::ErrorCode::kBusy,
                     "this server is the platform's only worker: there is nowhere to move its work to"});
  } else if (member.id == heartbeat_.id()) {
    parts_.loop.post(parts_.leave);
    done({});
  } else {
    parts_.cluster->ask_to_leave(member.uri, done);
  }
}

}  // namespace hearth
