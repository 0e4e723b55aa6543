#include "tests/simulation/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

namespace hearth::simulation {
namespace {

using model::OutcomeKind;
using std::chrono::microseconds;

constexpr std::array kEnds = {OutcomeKind::kThrew,        OutcomeKind::kThrew,
                              OutcomeKind::kTimedOut,     OutcomeKind::kOutOfMemory,
                              OutcomeKind::kExited,       OutcomeKind::kBadInput,
                              OutcomeKind::kBadOutput,    OutcomeKind::kResponseTooLarge,
                              OutcomeKind::kProtocolError};
constexpr std::array kStartEnds = {OutcomeKind::kInitFailed,    OutcomeKind::kInitTimedOut,
                                   OutcomeKind::kOutOfMemory,   OutcomeKind::kExited,
                                   OutcomeKind::kProtocolError, OutcomeKind::kStartFailed};
constexpr std::uint32_t kMostBehindUs = 300'000;

}  // namespace

Directory::Directory(sim::Dice dice, std::uint32_t functions, std::chrono::milliseconds lease)
    : dice_(dice), lease_(lease) {
  for (std::uint32_t i = 0; i < functions; ++i) {
    make();
  }
}

model::Version Directory::new_version(const model::FunctionId& function, std::uint32_t number) {
  model::Version version;
  version.id = fmt::format("v-{}-{}", function, number);
  version.function_id = function;
  version.number = number;
  version.memory_mb = 128U << dice_.below(3);
  version.timeout_ms = static_cast<std::uint32_t>(4 * lease_.count());
  Habits& habits = habits_[version.id];
  const bool bad = dice_.below(4) == 0;
  habits.fails = bad ? 0.1 + 0.8 * dice_.share() : 0.02;
  habits.fails_to_start = dice_.below(4) == 0 ? 0.5 * dice_.share() : 0.01;
  habits.slow = dice_.below(4) == 0 ? 0.05 : 0.002;
  habits.median_us = dice_.log_normal(30'000, 1.5);
  return version;
}

void Directory::make() {
  auto function = std::make_shared<model::Function>();
  function->id = fmt::format("f{}", ++made_);
  function->current = new_version(function->id, 1);
  versions_[{function->id, 1}] = model::VersionPtr(function, &function->current);
  functions_[function->id] = function;
  changes_.push_back({function->id, function, {}});
}

model::FunctionPtr Directory::any() {
  return std::next(functions_.begin(), dice_.below(static_cast<std::uint32_t>(functions_.size())))->second;
}

std::string Directory::change() {
  const model::FunctionPtr before = any();
  if (dice_.below(4) == 0) {
    functions_.erase(before->id);
    deleted_.insert(before->id);
    changes_.push_back({before->id, nullptr, before->current.id});
    make();
    return fmt::format("function {} is deleted, another made", before->id);
  }
  auto function = std::make_shared<model::Function>(*before);
  function->current = new_version(before->id, before->current.number + 1);
  versions_[{function->id, function->current.number}] = model::VersionPtr(function, &function->current);
  functions_[function->id] = function;
  changes_.push_back({function->id, function, before->current.id});
  return fmt::format("version {} of function {} is deployed", function->current.number, function->id);
}

base::Result<model::VersionPtr> Directory::version(const model::FunctionId& id, std::uint32_t number) const {
  const auto found = versions_.find({id, number});
  if (deleted_.contains(id) || found == versions_.end()) {
    return base::Error{base::ErrorCode::kNotFound, "no such version"};
  }
  return found->second;
}

bool Directory::was_deleted(const model::FunctionId& id, std::uint32_t number) const {
  return deleted_.contains(id) || (number != 0 && !versions_.contains({id, number}));
}

CallFate Directory::fate(const model::Version& version, sim::Dice& dice) const {
  const Habits& habits = habits_.at(version.id);
  CallFate fate;
  const auto lease_us = static_cast<double>(microseconds(lease_).count());
  const double us = dice.share() < habits.slow
                        ? lease_us * (0.8 + 2 * dice.share())
                        : std::min(dice.log_normal(habits.median_us, 0.7), lease_us / 2);
  fate.run = microseconds(static_cast<std::int64_t>(us));
  if (dice.share() < habits.fails) {
    fate.kind = kEnds[dice.below(kEnds.size())];
  }
  return fate;
}

OutcomeKind Directory::start_fate(const model::Version& version, sim::Dice& dice) const {
  return dice.share() < habits_.at(version.id).fails_to_start ? kStartEnds[dice.below(kStartEnds.size())]
                                                              : OutcomeKind::kReturned;
}

Mirror::Mirror(const Directory& directory, ProcessLoop& loop, sim::Dice dice, OnRetired on_retired)
    : directory_(directory), loop_(loop), dice_(dice), on_retired_(std::move(on_retired)) {
  for (; taken_ < directory_.changes().size(); ++taken_) {
    functions_[directory_.changes()[taken_].function_id] = directory_.changes()[taken_].now;
  }
}

model::FunctionPtr Mirror::find(const model::FunctionId& id) const {
  const auto found = functions_.find(id);
  return found == functions_.end() ? nullptr : found->second;
}

void Mirror::catch_up_later() {
  loop_.later(microseconds(1 + dice_.below(kMostBehindUs)), [this] { catch_up(); });
}

void Mirror::catch_up() {
  while (taken_ < directory_.changes().size()) {
    take(directory_.changes()[taken_++]);
  }
}

void Mirror::take(const FunctionChange& change) {
  functions_[change.function_id] = change.now;
  if (!change.replaced.empty()) {
    on_retired_(change.replaced, change.now == nullptr);
  }
}

}  // namespace hearth::simulation
