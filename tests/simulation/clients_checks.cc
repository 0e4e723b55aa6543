// Whether what the clients were told goes together.
#include <fmt/format.h>

#include <algorithm>

#include "tests/simulation/clients.h"

namespace hearth::simulation {

using model::AsyncExecution;
using model::ExecutionId;
using model::ExecutionState;

void Clients::wrong(const ExecutionId& id, const std::string& what) {
  std::string text = fmt::format("{} {}", id, what);
  if (const Account* account = stage_.book.find(id)) {
    for (const std::string& each : account->story) {
      text += "\n              " + each;
    }
  }
  stage_.trace.violation(text);
}

// Whether it was asked for that what had ended begins again.
bool Clients::may_go_on(const ExecutionId& id, const Known& known) const {
  const Account* account = stage_.book.find(id);
  const bool among_others = redrove_dead_ && account != nullptr && account->redrives > 0;
  return known.last.state != ExecutionState::kDone && (known.maybe_redriven || among_others);
}

// Answers may cross: only one that was asked for after another came says what follows that.
void Clients::see(const ExecutionId& id, base::TimePoint asked, const AsyncExecution& found) {
  Known& known = known_.at(id);
  const Order& order = orders_[known.order];
  if (found.id != id || found.function_id != order.function_id || found.version != order.version ||
      found.input_bytes != order.input.size()) {
    wrong(id, "is shown as another");
  }
  const bool echoes = found.result.output.ends_with(fmt::format(R"(,"echo":{}}})", order.input));
  if (found.state == ExecutionState::kDone && !echoes) {
    wrong(id, "is done with the answer to another input: " + found.result.output);
  }
  if (asked < known.seen) {
    return;
  }
  if (known.seen != base::TimePoint() && model::has_ended(known.last.state)) {
    const bool same = found.state == known.last.state && found.ended_ms == known.last.ended_ms &&
                      found.result.output == known.last.result.output;
    if (!same && !may_go_on(id, known)) {
      wrong(id, fmt::format("was {}, and is {}", to_string(known.last.state), to_string(found.state)));
    }
  }
  known.seen = stage_.loop.now();
  known.last = found;
}

// What was asked for once is there once, what was refused is not there.
void Clients::check_order(const Order& order) {
  const auto made = stage_.book.made_of(order.input);
  const auto kept =
      std::ranges::count_if(made, [&](const ExecutionId& id) { return !stage_.book.was_removed(id); });
  if (kept > 1 || (order.key.empty() && made.size() > 1)) {
    stage_.trace.violation(fmt::format("{} executions are stored of {}", made.size(), order.input));
  }
  if (!made.empty() && order.accepted.empty() && !order.unknown) {
    stage_.trace.violation(fmt::format("{} was refused, and is stored", order.input));
  }
  for (const ExecutionId& id : order.accepted) {
    if (std::ranges::find(made, id) == made.end()) {
      wrong(id, "is acknowledged, and was never stored");
    }
  }
}

void Clients::check_known(const ExecutionId& id, const Known& known, const AsyncExecution* stored) {
  if (stored == nullptr) {
    if (!stage_.book.was_removed(id)) {
      wrong(id, "was acknowledged, and is lost");
    }
    return;
  }
  if (!model::has_ended(stored->state)) {
    wrong(id, fmt::format("was acknowledged, and is {} still", to_string(stored->state)));
  }
  if (stored->state == ExecutionState::kDead && stored->result.error_code.empty()) {
    wrong(id, "is dead without a reason");
  }
  if (known.seen == base::TimePoint() || !model::has_ended(known.last.state)) {
    return;
  }
  if (!may_go_on(id, known) &&
      (stored->state != known.last.state || stored->ended_ms != known.last.ended_ms)) {
    wrong(id, fmt::format("was said to be {}, and is stored as {}", to_string(known.last.state),
                          to_string(stored->state)));
  }
}

void Clients::compare(const std::vector<AsyncExecution>& dump) {
  std::map<ExecutionId, const AsyncExecution*> stored;
  for (const AsyncExecution& each : dump) {
    stored[each.id] = &each;
  }
  for (const Order& order : orders_) {
    check_order(order);
  }
  for (const auto& [id, known] : known_) {
    const auto found = stored.find(id);
    check_known(id, known, found == stored.end() ? nullptr : found->second);
  }
}

}  // namespace hearth::simulation
