#include "store/sqlite/testing/power_cut_run.h"

#include <algorithm>
#include <stdexcept>

#include "store/execution_conformance.h"

namespace hearth::store::sqlite {

using model::ExecutionState;

namespace {

constexpr std::int64_t kLease_ms = 200;
constexpr std::size_t kMostEndedKept = 24;

// The store is not what is in question here: that it refuses is a fault of the test.
template <typename T>
T accepted(base::Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().message);
  }
  return std::move(*result);
}

std::string word_of(unsigned number) { return std::to_string(number); }

}  // namespace

PowerCutRun::PowerCutRun(const PowerCutOptions& options, PowerCutCounts& counts)
    : options_(options),
      counts_(counts),
      dice_(options.seed),
      disk_(options.checkpoints ? new_disk_of_small_pages() : new_disk()),
      cutter_(*disk_, dice_, counts_),
      last_number_(options.checkpoints ? kLargeFrom : 0) {
  open();
}

PowerCutRun::~PowerCutRun() { disk_->watch({}); }

std::vector<std::string> PowerCutRun::run(int changes) {
  while (change_ < changes && violations_.empty()) {
    step();
  }
  return violations_;
}

// The empty database has no rows to compare: whoever opens it has the rows of a migrated one.
void PowerCutRun::open() {
  cutter_.in_flight();
  stores_ = accepted(StoresOnDisk::open(*disk_, options_.synchronous));
  Rows rows = rows_of(*stores_->database);
  if (!rows_.empty() && rows != rows_) {
    violations_.push_back("a restart is a change");
  }
  rows_ = std::move(rows);
  change("open", [this] { (void)accepted(stores_->executions->release_all(now_ms_)); });
}

void PowerCutRun::change(const std::string& name, const std::function<void()>& apply) {
  ++change_;
  now_ms_ += 1 + static_cast<std::int64_t>(roll(20));
  cutter_.in_flight();
  apply();
  cutter_.acknowledged();
  Rows after = rows_of(*stores_->database);
  PowerCutCheck check(dice_, counts_, options_.synchronous, now_ms_);
  for (const PowerCut& cut : cutter_.take()) {
    for (const std::string& violation : check.violations(cut, {rows_, after, history_before_, history_})) {
      violations_.push_back("seed " + std::to_string(options_.seed) + ", change " + std::to_string(change_) +
                            " (" + name + "), " + violation);
    }
  }
  rows_ = std::move(after);
  history_before_ = history_;
}

void PowerCutRun::step() {
  using Step = void (PowerCutRun::*)();
  struct Weighted {
    std::size_t weight;
    Step step;
  };
  static constexpr Weighted kSteps[] = {
      {30, &PowerCutRun::write_batch},    {4, &PowerCutRun::submit_again},    {14, &PowerCutRun::claim},
      {5, &PowerCutRun::extend},          {4, &PowerCutRun::cancel},          {4, &PowerCutRun::redrive},
      {3, &PowerCutRun::redrive_dead},    {5, &PowerCutRun::remove_ended},    {2, &PowerCutRun::restart},
      {4, &PowerCutRun::create_function}, {4, &PowerCutRun::add_version},     {4, &PowerCutRun::set_alias},
      {2, &PowerCutRun::remove_alias},    {2, &PowerCutRun::remove_function},
  };
  std::size_t all = 0;
  for (const Weighted& each : kSteps) {
    all += each.weight;
  }
  std::size_t drawn = roll(all);
  for (const Weighted& each : kSteps) {
    if (drawn < each.weight) {
      (this->*each.step)();
      return;
    }
    drawn -= each.weight;
  }
}

// As they stand in the history: those that are still to be executed may be pending or running.
model::ExecutionId PowerCutRun::any(ExecutionState state) {
  std::vector<model::ExecutionId> found;
  for (const auto& [id, known] : history_.known()) {
    const bool matches = known.end ? known.end->state == state : !model::has_ended(state);
    if (matches) {
      found.push_back(id);
    }
  }
  return found.empty() ? model::ExecutionId() : found[roll(found.size())];
}

// ---- executions

NewExecution PowerCutRun::submission() {
  NewExecution execution = numbered_execution(++last_number_);
  execution.submitted_ms = now_ms_;
  if (roll(2) == 0) {
    execution.lease_until_ms = now_ms_ + kLease_ms;
  }
  history_.asked(word_of(last_number_));
  return execution;
}

Settlement PowerCutRun::settlement(const Lease& lease) {
  const std::size_t kind = roll(4);
  const auto number = static_cast<unsigned>(std::stoul(history_.known().at(lease.id).word));
  Settlement settlement = kind == 0   ? failed(lease, now_ms_ + 30)
                          : kind == 1 ? dead(lease)
                                      : done(lease, numbered_output(number));
  settlement.started_ms = now_ms_;
  settlement.ended_ms = now_ms_;
  if (settlement.attempt) {
    settlement.attempt->started_ms = settlement.attempt->ended_ms = now_ms_;
  }
  history_.may_change(lease.id);
  return settlement;
}

void PowerCutRun::note_settled(const Settlement& settlement) {
  const bool ended = model::has_ended(settlement.state);
  history_.stands(
      settlement.lease.id,
      ended ? std::optional(ExecutionEnd{settlement.state, settlement.result.output}) : std::nullopt);
}

// What one group commit holds: new ones, and the ends of some that are held.
void PowerCutRun::write_batch() {
  ExecutionStore::Writes writes;
  const unsigned first = last_number_ + 1;
  for (std::size_t count = roll(4); count > 0; --count) {
    writes.submissions.push_back(submission());
  }
  for (std::size_t count = roll(4); count > 0 && !held_.empty(); --count) {
    if (history_.known().contains(held_.back().id)) {
      writes.settlements.push_back(settlement(held_.back()));
    }
    held_.pop_back();
  }
  history_before_ = history_;
  change("write", [&] {
    const auto written = accepted(stores_->executions->write(writes));
    unsigned number = first;
    for (const NewExecution& execution : writes.submissions) {
      history_.accepted(execution.id, word_of(number++));
      if (execution.lease_until_ms != 0) {
        held_.push_back({execution.id, 1});
      }
    }
    for (std::size_t i = 0; i < writes.settlements.size(); ++i) {
      const Settlement& settlement = writes.settlements[i];
      const auto end = history_.known().at(settlement.lease.id).end;
      written.settled[i] ? note_settled(settlement) : history_.stands(settlement.lease.id, end);
    }
  });
}

void PowerCutRun::submit_again() {
  const model::ExecutionId id = any(roll(2) == 0 ? ExecutionState::kPending : ExecutionState::kDone);
  if (id.empty()) {
    return;
  }
  NewExecution execution =
      numbered_execution(static_cast<unsigned>(std::stoul(history_.known().at(id).word)));
  if (execution.idempotency_key.empty()) {
    return;
  }
  execution.id = "again " + id;
  change("submit again", [&] {
    const auto written = accepted(stores_->executions->write({{execution}, {}}));
    if (written.submitted[0].value() != Submitted{id, false}) {
      violations_.push_back("its key gives another execution: " + id);
    }
  });
}

void PowerCutRun::claim() {
  ClaimRequest request;
  request.now_ms = now_ms_;
  request.lease_until_ms = now_ms_ + kLease_ms;
  request.most = 1 + roll(6);
  request.most_of_a_function = request.most;
  change("claim", [&] {
    for (const Claimed& claimed : accepted(stores_->executions->claim(request))) {
      held_.push_back(claimed.lease);
    }
  });
}

void PowerCutRun::extend() {
  change("extend", [this] { (void)accepted(stores_->executions->extend(held_, now_ms_ + kLease_ms)); });
}

void PowerCutRun::cancel() {
  const model::ExecutionId id = any(ExecutionState::kPending);
  if (id.empty()) {
    return;
  }
  history_.may_change(id);
  history_before_ = history_;
  change("cancel", [&] {
    (void)accepted(stores_->executions->cancel(id, now_ms_));
    history_.stands(id, ExecutionEnd{ExecutionState::kCancelled, ""});
  });
}

void PowerCutRun::redrive() {
  const model::ExecutionId id = any(roll(2) == 0 ? ExecutionState::kDead : ExecutionState::kCancelled);
  if (id.empty()) {
    return;
  }
  history_.may_change(id);
  history_before_ = history_;
  change("redrive", [&] {
    (void)accepted(stores_->executions->redrive(id, now_ms_));
    history_.stands(id, std::nullopt);
  });
}

void PowerCutRun::redrive_dead() {
  std::vector<model::ExecutionId> dead;
  for (const auto& [id, known] : history_.known()) {
    if (known.end && known.end->state == ExecutionState::kDead) {
      dead.push_back(id);
    }
  }
  for (const auto& id : dead) {
    history_.may_change(id);
  }
  history_before_ = history_;
  change("redrive the dead", [&] {
    (void)accepted(stores_->executions->redrive_dead("", now_ms_, dead.size()));
    for (const auto& id : dead) {
      history_.stands(id, std::nullopt);
    }
  });
}

void PowerCutRun::remove_ended() {
  std::vector<model::ExecutionId> ended;
  for (const auto& [id, known] : history_.known()) {
    if (known.end) {
      ended.push_back(id);
    }
  }
  for (const auto& id : ended) {
    history_.may_be_gone(id);
  }
  history_before_ = history_;
  change("remove", [&] {
    (void)accepted(stores_->executions->remove_ended(now_ms_ - 2'000, kMostEndedKept, 1 + roll(8)));
    for (const auto& id : ended) {
      stores_->executions->find(id).ok() ? history_.stays(id) : history_.removed(id);
    }
  });
}

void PowerCutRun::restart() {
  held_.clear();
  cutter_.in_flight();
  stores_.reset();
  open();
}

// ---- functions

const model::Function* PowerCutRun::any_function() {
  return functions_.empty() ? nullptr : &functions_[roll(functions_.size())];
}

void PowerCutRun::create_function() {
  const model::Function function = sample_function(static_cast<int>(++last_function_));
  change("create a function", [&] {
    if (const auto made = stores_->functions->create(function); !made) {
      throw std::runtime_error(made.error().message);
    }
    functions_.push_back(function);
  });
}

void PowerCutRun::add_version() {
  const model::Function* const function = any_function();
  if (function == nullptr) {
    return;
  }
  const model::Version version = sample_version(*function);
  change("add a version", [&] {
    functions_[static_cast<std::size_t>(function - functions_.data())] =
        accepted(stores_->functions->add_version(version, now_ms_));
  });
}

void PowerCutRun::set_alias() {
  const model::Function* const function = any_function();
  if (function == nullptr) {
    return;
  }
  model::Alias alias;
  alias.name = roll(2) == 0 ? "prod" : "beta";
  alias.version = 1 + static_cast<std::uint32_t>(roll(function->current.number));
  change("set an alias", [&] {
    functions_[static_cast<std::size_t>(function - functions_.data())] =
        accepted(stores_->functions->change(function->id, alias, now_ms_));
  });
}

void PowerCutRun::remove_alias() {
  const model::Function* const function = any_function();
  if (function == nullptr || function->aliases.empty()) {
    return;
  }
  const std::string name = function->aliases.begin()->first;
  change("remove an alias", [&] {
    functions_[static_cast<std::size_t>(function - functions_.data())] =
        accepted(stores_->functions->change(function->id, model::RemovedAlias{name}, now_ms_));
  });
}

void PowerCutRun::remove_function() {
  const model::Function* const function = any_function();
  if (function == nullptr) {
    return;
  }
  const std::string id = function->id;
  change("remove a function", [&] {
    (void)accepted(stores_->functions->remove(id));
    std::erase_if(functions_, [&](const model::Function& each) { return each.id == id; });
  });
}

}  // namespace hearth::store::sqlite
