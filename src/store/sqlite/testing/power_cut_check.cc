// Whether the stores recover from a power cut.
#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "store/execution_conformance.h"
#include "store/sqlite/testing/power_cut.h"

namespace hearth::store::sqlite {
namespace {

using model::ExecutionState;

constexpr int kMostCutsInARow = 4;
constexpr unsigned kCutAgainOneIn = 8;
constexpr unsigned kCutOfRecoveryOneIn = 8;
constexpr std::int64_t kLongAfter_ms = 1'000'000'000;
constexpr std::size_t kAll = 1'000'000;

Rows without(const Rows& rows, const Rows& others) {
  Rows left;
  std::ranges::set_difference(rows, others, std::back_inserter(left));
  return left;
}

std::string shortened(const std::string& row) { return row.substr(0, 160); }

std::string integrity(StoresOnDisk& stores) {
  Session session(*stores.database);
  const auto statement = session.connection().prepare("PRAGMA integrity_check(1)");
  if (!statement) {
    return statement.error().message;
  }
  Query query(session.connection(), *statement);
  const auto row = query.next("check the database");
  return row ? query.text(0) : row.error().message;
}

std::size_t count(const std::vector<StoredExecution>& stored, ExecutionState state) {
  return static_cast<std::size_t>(
      std::ranges::count_if(stored, [&](const auto& each) { return each.execution.state == state; }));
}

}  // namespace

std::vector<std::string> PowerCutCheck::violations(const PowerCut& cut, const AroundChange& around) {
  violations_.clear();
  recover(cut, around, 1);
  return std::exchange(violations_, {});
}

std::optional<Rows> PowerCutCheck::recover(const PowerCut& cut, const AroundChange& around, int depth) {
  ++counts_.cuts;
  counts_.cuts_of_recovery += depth > 1 ? 1 : 0;
  moment_ = cut.moment;
  const ExecutionHistory& history = cut.acknowledged ? around.history_after : around.history_before;
  std::optional<PowerCutter> cutter;
  if (depth < kMostCutsInARow && dice_() % kCutAgainOneIn == 0) {
    cutter.emplace(*cut.left, dice_, counts_, kCutOfRecoveryOneIn);
  }
  Rows found;
  Rows released;
  try {
    auto stores = StoresOnDisk::open(*cut.left, synchronous_);
    if (!stores) {
      add("lost: all of it cannot be opened: " + stores.error().message);
      return std::nullopt;
    }
    found = rows_of(*(*stores)->database);
    compare(found, around, cut.acknowledged);
    check_history(**stores, history);
    if (const auto done = (*stores)->executions->release_all(now_ms_); !done) {
      add("leases cannot be released: " + done.error().message);
    }
    if (cutter || depth > 1) {
      released = rows_of(*(*stores)->database);
    }
    if (cutter) {
      cutter->acknowledged();
    } else {
      check_claims(**stores);
      check_keys(**stores, history);
    }
  } catch (const std::runtime_error& error) {
    add(std::string("lost: it cannot be read: ") + error.what());
    return std::nullopt;
  }
  if (cutter) {
    auto cuts = cutter->take();
    cutter.reset();
    recover_again(std::move(cuts), {found, released, history, history}, depth + 1);
  }
  return released;
}

// However often, and wherever: the end is the same.
void PowerCutCheck::recover_again(std::vector<PowerCut> cuts, const AroundChange& around, int depth) {
  const std::string outer = moment_;
  for (PowerCut& cut : cuts) {
    cut.moment = outer + ", then while it recovers " + cut.moment;
    const auto end = recover(cut, around, depth);
    moment_ = cut.moment;
    if (end && *end != around.after) {
      add("the end is another one");
    }
  }
}

// One change is there or not, and all of it.
void PowerCutCheck::compare(const Rows& found, const AroundChange& around, bool acknowledged) {
  if (found == around.after || (!acknowledged && found == around.before)) {
    return;
  }
  Rows always;
  std::ranges::set_intersection(around.before, around.after, std::back_inserter(always));
  const Rows lost = without(acknowledged ? around.after : always, found);
  const Rows made_up = without(without(found, around.after), acknowledged ? Rows() : around.before);
  for (const std::string& row : lost) {
    add("lost: " + shortened(row));
  }
  for (const std::string& row : made_up) {
    add("made up: " + shortened(row));
  }
  if (lost.empty() && made_up.empty()) {
    add("a change is there by half");
  }
}

void PowerCutCheck::check_history(StoresOnDisk& stores, const ExecutionHistory& history) {
  const auto stored = stored_executions(stores);
  for (const std::string& violation : history.violations(stored)) {
    add(violation);
  }
  if (const std::string state = integrity(stores); state != "ok") {
    add("the database is damaged: " + state);
  }
  if (const auto functions = stores.functions->list(); !functions) {
    add("functions cannot be read: " + functions.error().message);
  }
  const auto backlog = stores.executions->backlog();
  const std::size_t open = count(stored, ExecutionState::kPending) + count(stored, ExecutionState::kRunning);
  const std::size_t ended = count(stored, ExecutionState::kDone) + count(stored, ExecutionState::kDead) +
                            count(stored, ExecutionState::kCancelled);
  if (!backlog || executions_in(*backlog) != open || open + ended != stored.size()) {
    add("the states do not add up");
  }
}

// What has not ended is executed by whoever comes next, with its input.
void PowerCutCheck::check_claims(StoresOnDisk& stores) {
  const std::size_t open = executions_in(stores.executions->backlog().value());
  ClaimRequest request;
  request.now_ms = now_ms_ + kLongAfter_ms;
  request.lease_until_ms = request.now_ms + 1;
  request.most = kAll;
  request.most_of_a_function = kAll;
  const auto claimed = stores.executions->claim(request);
  if (!claimed || claimed->size() != open) {
    add("not everything that has not ended can be claimed");
  }
}

void PowerCutCheck::check_keys(StoresOnDisk& stores, const ExecutionHistory& history) {
  ExecutionStore::Writes again;
  std::vector<model::ExecutionId> expected;
  for (const auto& [id, known] : history.known()) {
    NewExecution execution = numbered_execution(static_cast<unsigned>(std::stoul(known.word)));
    if (execution.idempotency_key.empty() || known.may_be_gone) {
      continue;
    }
    execution.id = "again " + id;
    again.submissions.push_back(std::move(execution));
    expected.push_back(id);
  }
  const auto written = stores.executions->write(again);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!written || written->submitted[i].ok() == false ||
        *written->submitted[i] != Submitted{expected[i], false}) {
      add("its key gives another execution: " + expected[i]);
    }
  }
}

}  // namespace hearth::store::sqlite
