// What a process has as a member of its platform: its card in the directory, renewed by a heartbeat, and what
// its gateways ask of the others. In `hearth serve` alone the directory is its own.
//
// On the process's first loop. Made and ended by the platform.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/hearth/cluster.h"
#include "apps/hearth/serve_options.h"
#include "base/random.h"
#include "base/reactor.h"
#include "membership/fleet.h"
#include "membership/heartbeat.h"
#include "messaging/inproc/inproc_member_directory.h"

namespace hearth {

struct MembersParts {
  base::Reactor& loop;
  base::Random& random;
  Cluster* cluster = nullptr;  // null: this process is the whole platform
  std::function<void(std::function<void(membership::Load)>)> load;  // of all its loops
  std::function<void()> leave;           // somebody asks this process to; the drain begins
  std::function<void()> announce_again;  // others had forgotten what its worker announced; null without one
  std::function<void(const std::vector<model::Member>&)> looked;  // at each beat; of a gateway or a monitor
};

class Members {
 public:
  Members(const ServeOptions& options, MembersParts parts);
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  ~Members();

  const std::string& id() const { return heartbeat_.id(); }
  membership::DirectoryFleet& fleet() { return fleet_; }
  messaging::MemberDirectory& directory() { return directory_; }

  void open();
  void drain() { heartbeat_.drain(); }
  // `done` when the others know that this process has ended, or cannot be told.
  void leave(std::function<void()> done) { heartbeat_.leave(std::move(done)); }

 private:
  void ask_to_leave(const model::Member& member, const membership::Fleet::Drained& done);
  membership::HeartbeatParts heartbeat_parts(const Roles& roles);

  const MembersParts parts_;
  messaging::InprocMemberDirectory own_directory_;
  messaging::MemberDirectory& directory_;
  membership::DirectoryFleet fleet_;
  membership::Heartbeat heartbeat_;
};

}  // namespace hearth
