// The functions that there are: deployed and deleted while they are called. Each server has a mirror that
// follows a little behind. Chance decides how a function's calls end and how long they take. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/function.h"
#include "model/outcome.h"
#include "sim/dice.h"
#include "tests/simulation/process_loop.h"

namespace hearth::simulation {

// How one call of an instance goes.
struct CallFate {
  std::chrono::microseconds run{0};
  model::OutcomeKind kind = model::OutcomeKind::kReturned;
};

struct FunctionChange {
  model::FunctionId function_id;
  model::FunctionPtr now;     // null: it is deleted
  model::VersionId replaced;  // empty: it is new
};

class Directory {
 public:
  Directory(sim::Dice dice, std::uint32_t functions, std::chrono::milliseconds lease);

  // A function is deployed anew or, more rarely, deleted, and another made. What was done, in words.
  std::string change();

  const std::vector<FunctionChange>& changes() const { return changes_; }
  // One that there is.
  model::FunctionPtr any();
  base::Result<model::VersionPtr> version(const model::FunctionId& id, std::uint32_t number) const;
  // Was there ever a moment without this version, once it had been seen? 0: of the function.
  bool was_deleted(const model::FunctionId& id, std::uint32_t number) const;

  CallFate fate(const model::Version& version, sim::Dice& dice) const;
  // Of a start that fails; kReturned: it does not.
  model::OutcomeKind start_fate(const model::Version& version, sim::Dice& dice) const;

 private:
  struct Habits {
    double fails = 0;
    double fails_to_start = 0;
    double slow = 0;  // longer than a lease
    double median_us = 0;
  };

  void make();
  model::Version new_version(const model::FunctionId& function, std::uint32_t number);

  sim::Dice dice_;
  const std::chrono::milliseconds lease_;
  std::map<model::FunctionId, model::FunctionPtr> functions_;
  std::map<std::pair<model::FunctionId, std::uint32_t>, model::VersionPtr> versions_;
  std::map<model::VersionId, Habits> habits_;
  std::set<model::FunctionId> deleted_;
  std::vector<FunctionChange> changes_;
  std::uint32_t made_ = 0;
};

// Of one server process.
class Mirror {
 public:
  using OnRetired = std::function<void(const model::VersionId&, bool deleted)>;

  // Knows everything at the begin. `directory` and `loop` outlive it.
  Mirror(const Directory& directory, ProcessLoop& loop, sim::Dice dice, OnRetired on_retired);

  model::FunctionPtr find(const model::FunctionId& id) const;
  // Knows everything again: now, or a little later.
  void catch_up();
  void catch_up_later();

 private:
  void take(const FunctionChange& change);

  const Directory& directory_;
  ProcessLoop& loop_;
  sim::Dice dice_;
  const OnRetired on_retired_;
  std::map<model::FunctionId, model::FunctionPtr> functions_;
  std::size_t taken_ = 0;
};

}  // namespace hearth::simulation
