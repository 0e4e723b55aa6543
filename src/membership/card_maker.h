// Makes a process's cards: what stays the same, its load of this moment, and the peaks of the last minutes.
// Pure.
#pragma once

#include <optional>
#include <utility>

#include "base/event_loop.h"
#include "base/random.h"
#include "membership/sliding_maximum.h"
#include "model/member.h"

namespace hearth::membership {

// The load of a process at one moment, of all its loops together; peaks are not filled in.
struct Load {
  std::optional<model::WorkerLoad> worker;
  std::optional<model::GatewayLoad> gateway;
};

// "worker-7k3v9x": a word that people can say, of 30 random bits.
std::string make_member_id(model::MemberRole role, base::Random& random);

class CardMaker {
 public:
  // `about`: all but state, beat and load. `window`: of the peaks (--load-window).
  CardMaker(model::Member about, base::Duration window)
      : card_(std::move(about)), busy_(window), waited_(window) {}

  const std::string& id() const { return card_.id; }
  void set_state(model::MemberState state) { card_.state = state; }

  // One more card, newer than those before.
  model::Member make(Load load, base::TimePoint now);

 private:
  model::Member card_;
  SlidingMaximum busy_;
  SlidingMaximum waited_;
};

}  // namespace hearth::membership
