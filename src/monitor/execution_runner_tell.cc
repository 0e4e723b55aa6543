// What an execution's end brings with it: an execution of another function, or a message to a webhook, which
// is an execution too; and the sending of that.
#include <fmt/format.h>

#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "monitor/ending_record.h"
#include "monitor/execution_runner.h"
#include "webhook/notice.h"

namespace hearth::monitor {
namespace {

using model::ApiErrorCode;
using model::ExecutionKind;
using model::ExecutionState;

const std::optional<model::Destination>& destination(const model::Function& function, ExecutionState ended) {
  return ended == ExecutionState::kDone ? function.async.on_success : function.async.on_failure;
}

bool is_loop(const store::Settlement& settlement) {
  return settlement.result.error_code == to_string(ApiErrorCode::kLoopDetected);
}

}  // namespace

std::vector<store::NewExecution> ExecutionRunner::follow_ups(const Running& running,
                                                             const store::Settlement& settlement) const {
  const store::Claimed& claimed = running.claimed;
  const model::FunctionPtr function = parts_.function(claimed.function_id);
  // Of a message to a webhook nothing is told: it would be told for ever.
  if (claimed.kind != ExecutionKind::kCall || !has_ended(settlement.state) || !function) {
    return {};
  }
  const auto& wanted = destination(*function, settlement.state);
  // A chain that has become too long ends here, in the dead list: another link would end so too, and the
  // next.
  if (!wanted || (wanted->url.empty() && is_loop(settlement))) {
    return {};
  }
  const bool counts = !settlement.attempt || settlement.attempt->counts;
  const bool attempted = settlement.state == ExecutionState::kDone || (settlement.attempt && counts);
  store::NewExecution made;
  made.submitted_ms = settlement.ended_ms;
  made.id = base::make_time_ordered_guid(parts_.random, made.submitted_ms);
  made.parent_id = claimed.lease.id;
  made.parent_state = settlement.state;
  made.depth = claimed.depth + 1;
  made.input = std::make_shared<const std::string>(
      ending_record({claimed.lease.id, *function,
                     settlement.executed_version != 0 ? settlement.executed_version : claimed.version,
                     settlement.state, claimed.failures + (attempted ? 1 : 0), claimed.submitted_ms,
                     settlement.ended_ms, *claimed.input, settlement.result},
                    options_.record_bytes));
  if (wanted->url.empty()) {
    // One that there is not: it will be dead and say so, and can be redriven when there is.
    const model::FunctionPtr target = parts_.function(wanted->function);
    made.function_id = target ? target->id : wanted->function;
  } else {
    made.kind = ExecutionKind::kWebhook;
    made.function_id = function->id;
  }
  return {std::move(made)};
}

// Where the message goes is looked up now: where an address was mended, the next attempt has the new one.
void ExecutionRunner::deliver(const RunningPtr& running, const model::FunctionPtr& function) {
  const store::Claimed& claimed = running->claimed;
  const auto& wanted = destination(*function, claimed.parent_state);
  if (!wanted || wanted->url.empty()) {
    die(running, ApiErrorCode::kNotFound,
        fmt::format("the function has no webhook for what is {} any more", to_string(claimed.parent_state)));
    return;
  }
  webhook::Notice notice;
  notice.execution_id = claimed.parent_id;
  notice.state = to_string(claimed.parent_state);
  notice.delivery_id = claimed.lease.id;
  notice.attempt = claimed.lease.number;
  notice.unix_s = parts_.unix_now_ms() / 1'000;
  notice.url = wanted->url;
  notice.secret = wanted->secret;
  notice.body = claimed.input;
  parts_.webhooks->post(webhook::to_message(notice), [this, running, alive = std::weak_ptr<bool>(alive_)](
                                                         const base::Result<int>& status) {
    if (!alive.expired()) {
      delivered(running, status);
    }
  });
}

void ExecutionRunner::delivered(const RunningPtr& running, const base::Result<int>& status) {
  if (status && *status >= 200 && *status < 300) {
    auto done = settlement(*running, ExecutionState::kDone);
    done.result.output = fmt::format(R"({{"status":{}}})", *status);
    settle(running, std::move(done));
    return;
  }
  model::FailedAttempt attempt;
  attempt.code = to_string(ApiErrorCode::kWebhookFailed);
  attempt.message = status ? fmt::format("HTTP {}", *status) : status.error().message;
  failed(running, std::move(attempt), {});
}

}  // namespace hearth::monitor
