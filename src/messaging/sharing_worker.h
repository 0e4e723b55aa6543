// One loop's worker, as the messaging of several loops sees it: it lends idle instances, and its memory moves
// to where it is needed.
//
// On the worker's loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "messaging/messaging.h"

namespace hearth::messaging {

class SharingWorker {
 public:
  // What a distant demand is given: an idle instance of its version, or nothing: its memory has been given
  // up.
  using Give = std::function<void(std::optional<model::Allocation>)>;

  virtual ~SharingWorker() = default;

  // Announces so much as a cold allocation. False: so much is not free, or others wait for what is.
  virtual bool offer(std::uint32_t memory_mb) = 0;
  // Gives up so much, if it is free and nobody waits for it; false, and nothing changes, if not.
  virtual bool give_up(std::uint32_t memory_mb) = 0;
  // Idle instances give way, where they may, so that so much can be given up soon; nobody is promised it.
  virtual void make_room(std::uint32_t memory_mb) = 0;
  // So much was given up elsewhere, and is this worker's now.
  virtual void take_over(std::uint32_t memory_mb) = 0;
  // An idle instance of the version, if there is one, for a caller on another loop.
  virtual std::optional<model::Allocation> lend(const model::VersionId& version) = 0;
  // As WorkerSubscriber::on_demand(), which also withdraws it, for a caller on another loop: `give` is called
  // once, perhaps inside the call, when it is served.
  virtual bool on_distant_demand(const Demand& demand, Give give) = 0;
};

}  // namespace hearth::messaging
