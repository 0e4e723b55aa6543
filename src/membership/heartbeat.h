// Says again and again that this process is there, and looks who else is.
//
// Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "membership/card_maker.h"
#include "messaging/member_directory.h"

namespace hearth::membership {

// Every second, and never rarer than a fifth of --worker-timeout: some cards may be lost on the way.
std::chrono::milliseconds heartbeat_interval(std::chrono::milliseconds worker_timeout);

struct HeartbeatParts {
  base::EventLoop& loop;
  messaging::MemberDirectory& directory;
  // What this process does now; called back on the loop, perhaps inside the call.
  std::function<void(std::function<void(Load)>)> load;
  // The others had forgotten this process, and with it what it had announced.
  std::function<void()> forgotten;
  // Who there is, at each beat; empty for who does not want to know.
  std::function<void(const std::vector<model::Member>&)> looked;
};

class Heartbeat {
 public:
  // What is referred to outlives it.
  Heartbeat(CardMaker cards, std::chrono::milliseconds interval, HeartbeatParts parts);
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;
  ~Heartbeat();

  const std::string& id() const { return cards_.id(); }

  void start();
  // One more beat, now: something has changed that others should know.
  void beat();
  // From now on this process is draining.
  void drain();
  // The last card. `done` when it is written, or cannot be.
  void leave(std::function<void()> done);

 private:
  void beat_soon();
  void publish(Load load, std::function<void()> done);
  void published(const base::Result<bool>& known);

  CardMaker cards_;
  const std::chrono::milliseconds interval_;
  const HeartbeatParts parts_;
  base::TimerId timer_ = 0;
  bool was_known_ = false;
  bool left_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::membership
