// All processes of the platform, as the gateway's routes need them: who there is, what they have together,
// and how one is asked to leave.
//
// DirectoryFleet lives on the loop of the process's directory of members; a gateway on another loop has a
// DistantFleet. Callbacks come on the loop of whoever asks, perhaps inside the call.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "base/result.h"
#include "membership/capacity.h"
#include "messaging/member_directory.h"
#include "model/member.h"

namespace hearth::membership {

class Fleet {
 public:
  using Listed = std::function<void(base::Result<std::vector<model::Member>>)>;
  using Counted = std::function<void(base::Result<Capacity>)>;
  using Drained = std::function<void(base::Result<void>)>;

  virtual ~Fleet() = default;
  // Without those that have left. kUnavailable: the directory does not answer.
  virtual void members(Listed done) = 0;
  virtual void capacity(Counted done) = 0;
  // Asks the worker of this id, or URI, to finish what it has and to end. Answered when it has heard.
  // kNotFound: there is none. kBusy: it may not leave. kTimeout, kIo: it does not answer.
  virtual void drain(const std::string& id_or_uri, Drained done) = 0;
};

class DirectoryFleet final : public Fleet {
 public:
  // Asks one worker; called with its card.
  using AskToLeave = std::function<void(const model::Member&, Drained)>;

  DirectoryFleet(CapacityOptions options, base::EventLoop& loop, messaging::MemberDirectory& directory,
                 AskToLeave ask)
      : loop_(loop), directory_(directory), ask_(std::move(ask)), gauge_(options) {}

  // What each heartbeat finds.
  void looked(const std::vector<model::Member>& members) { gauge_.look(members, loop_.now()); }

  void members(Listed done) override;
  void capacity(Counted done) override;
  void drain(const std::string& id_or_uri, Drained done) override;

 private:
  base::EventLoop& loop_;
  messaging::MemberDirectory& directory_;
  const AskToLeave ask_;
  CapacityGauge gauge_;
};

class DistantFleet final : public Fleet {
 public:
  // `fleet` lives on `home`; both outlive this object. Used on `loop`.
  DistantFleet(base::EventLoop& home, Fleet& fleet, base::EventLoop& loop)
      : home_(home), fleet_(fleet), loop_(loop) {}

  void members(Listed done) override;
  void capacity(Counted done) override;
  void drain(const std::string& id_or_uri, Drained done) override;

 private:
  base::EventLoop& home_;
  Fleet& fleet_;
  base::EventLoop& loop_;
};

}  // namespace hearth::membership
