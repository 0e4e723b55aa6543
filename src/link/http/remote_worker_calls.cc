// The calls of a gateway to one worker: how they are asked, and how each of them ends.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "link/http/remote_worker.h"

namespace hearth::link {
namespace {

// From this protocol on (cluster/wire.h).
constexpr int kSeveralAtOnce = 2;

model::Execution worker_lost(const std::string& instance) {
  return {{model::OutcomeKind::kWorkerLost, {}, {}}, instance, {}, {}};
}

std::string_view body_of(const model::ExecuteRequest& request) {
  return request.body ? std::string_view(*request.body) : std::string_view();
}

}  // namespace

void RemoteWorker::execute(cluster::Ask ask, const model::Allocation& allocation,
                           model::ExecuteRequest request,
                           std::shared_ptr<model::ExecutionObserver> observer) {
  const base::TimePoint now = parts_.reactor.now();
  last_used_ = now;
  const bool full = idle_.empty() && connections_.size() + unconnected_.size() >= kConnectionsMost;
  if (now < paused_until_ || full) {
    not_admitted({ask, allocation, {}, std::move(observer)});
    return;
  }
  const bool probes = pause_.count() > 0;
  if (probes) {
    paused_until_ = now + kAdmission;
    probing_ = true;
  }
  request.latest = now + std::chrono::milliseconds(request.version->timeout_ms) + kAnswerSlack;
  const bool small = body_of(request).size() <= cluster::kCallBodyBytes;
  Call call{ask, allocation, std::move(request), std::move(observer)};
  if (!told_.contains(call.request.version->id)) {
    ask_alone(Kind::kTell, std::move(call));
  } else if (small && !probes && protocol_ >= kSeveralAtOnce) {
    gather(std::move(call));
  } else {
    ask_alone(Kind::kExecute, std::move(call));
  }
}

void RemoteWorker::gather(Call call) {
  gathered_.push_back(std::move(call));
  if (gathered_.size() > 1) {
    return;
  }
  parts_.reactor.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      ask_gathered();
    }
  });
}

void RemoteWorker::ask_gathered() {
  std::vector<Call> group;
  for (Call& call : std::exchange(gathered_, {})) {
    group.push_back(std::move(call));
    if (group.size() == cluster::kCallsMost) {
      ask_together(std::exchange(group, {}));
    }
  }
  if (group.size() == 1) {
    ask_alone(Kind::kExecute, std::move(group.front()));
  } else if (!group.empty()) {
    ask_together(std::move(group));
  }
}

void RemoteWorker::ask_alone(Kind kind, Call call) {
  Exchange exchange;
  exchange.kind = kind;
  exchange.patience = kAdmission + std::chrono::milliseconds(body_of(call.request).size() / kBodyBytesPerMs);
  exchange.calls.push_back(std::move(call));
  begin(std::move(exchange));
}

void RemoteWorker::ask_together(std::vector<Call> calls) {
  Exchange exchange;
  exchange.kind = Kind::kSeveral;
  exchange.calls = std::move(calls);
  exchange.patience = kAdmission;
  begin(std::move(exchange));
}

std::string RemoteWorker::target_of(const Call& call) const {
  if (protocol_ < kSeveralAtOnce) {
    return cluster::execute_target(call.ask, call.allocation, call.request);
  }
  const auto remaining =
      std::chrono::ceil<std::chrono::milliseconds>(call.request.latest - parts_.reactor.now());
  return cluster::execute_target(call.ask, call.allocation, call.request,
                                 std::max(remaining, std::chrono::milliseconds(0)));
}

std::shared_ptr<const std::string> RemoteWorker::body_of_several(const std::vector<Call>& calls) const {
  auto body = std::make_shared<std::string>();
  for (const Call& call : calls) {
    cluster::add_call(*body, target_of(call), body_of(call.request));
  }
  return body;
}

void RemoteWorker::packet(WorkerConnection& connection, std::string_view packet) {
  Held& held = connections_.at(&connection);
  const auto answers = cluster::read_answers(packet);
  const bool awaited = held.exchange && held.exchange->kind == Kind::kSeveral;
  if (!awaited || !answers) {
    lost(connection, {base::ErrorCode::kCorrupt, "an answer is not what was asked for"});
    return;
  }
  reached();
  held.exchange->admitted = true;
  std::vector<Call>& calls = held.exchange->calls;
  std::vector<std::pair<Call, WorkerAnswer>> ended;
  for (const cluster::CallAnswer& answer : *answers) {
    if (answer.index < calls.size() && calls[answer.index].observer) {
      ended.emplace_back(std::move(calls[answer.index]), WorkerAnswer{answer.status, std::string(answer.meta),
                                                                      std::string(answer.body), true});
      calls[answer.index].observer = nullptr;
    }
  }
  // Last: an observer may come with the next call at once.
  for (auto& [call, answer] : ended) {
    executed(std::move(call), std::move(answer));
  }
}

void RemoteWorker::executed(Call call, WorkerAnswer&& answer) {
  if (answer.status == cluster::kUnknownVersionStatus && answer.reusable &&
      !std::exchange(call.told_again, true)) {
    // It has forgotten the version, or was started anew.
    told_.erase(call.request.version->id);
    ask_alone(Kind::kTell, std::move(call));
    return;
  }
  if (answer.status != 200) {
    // Also after an admission: a call that stood behind another may be taken back.
    if (const auto refusal = cluster::read_refusal(answer.meta)) {
      if (refusal == model::Refusal::kTooLarge && call.ask == cluster::Ask::kExecute) {
        release(call.allocation, model::ReleaseKind::kKeep);  // it was not looked at
      }
      call.observer->refused(*refusal);
    } else {
      not_admitted(std::move(call));
    }
    return;
  }
  auto read = cluster::read_execution(answer.meta, std::move(answer.body));
  if (!read) {
    spdlog::error("link: {} sent an answer that is none", uri_);
    call.observer->done(worker_lost(call.allocation.instance), std::nullopt);
    return;
  }
  read->execution.instance = call.allocation.instance;
  std::optional<model::Allocation> lease;
  if (read->lease_epoch) {
    lease = call.allocation;
    lease->epoch = *read->lease_epoch;
  }
  call.observer->done(std::move(read->execution), std::move(lease));
}

void RemoteWorker::failed(Exchange exchange) {
  if (exchange.drained) {
    exchange.drained(base::Error{base::ErrorCode::kTimeout, "the worker at " + uri_ + " does not answer"});
    return;
  }
  if (exchange.provided) {
    exchange.provided(base::Error{base::ErrorCode::kTimeout, "the worker at " + uri_ + " does not answer"});
    return;
  }
  const bool asked = exchange.sent && exchange.kind != Kind::kTell;
  const bool lost = exchange.admitted || (asked && exchange.uncertain);
  for (Call& call : exchange.calls) {
    if (call.observer && lost) {
      call.observer->done(worker_lost(call.allocation.instance), std::nullopt);
    } else if (call.observer) {
      not_admitted(std::move(call));
    }
  }
}

void RemoteWorker::not_admitted(Call call) {
  if (call.ask == cluster::Ask::kExecute) {
    owe(call.allocation);
  }
  call.observer->refused(model::Refusal::kNoAnswer);
}

}  // namespace hearth::link
