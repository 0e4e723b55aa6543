// What a worker does with calls: one that came by itself, and several that came in one request.
#include <optional>
#include <utility>

#include "worker/api/worker_api.h"

namespace hearth::worker {
namespace {

constexpr std::string_view kUnknownVersion = "unknown_version";

}  // namespace

// One call of a gateway, while the worker has it.
class WorkerApi::RemoteCall final : public model::ExecutionObserver {
 public:
  RemoteCall(WorkerApi& api, SessionPtr session, http::Responder responder)
      : api_(api), alive_(api.alive_), session_(std::move(session)), responder_(std::move(responder)) {}

  bool admitted() override {
    const bool awaited = responder_.send_processing();
    if (!awaited) {
      refused(model::Refusal::kNoAnswer);
    }
    return awaited;
  }

  void refused(model::Refusal refusal) override {
    if (!alive_.expired()) {
      responder_.send(api_.reply(*session_, cluster::status_of(refusal), std::string(to_string(refusal))));
    }
  }

  void done(model::Execution&& execution, std::optional<model::Allocation>&& lease) override {
    if (alive_.expired() || !api_.keeps(*session_, lease, responder_)) {
      return;
    }
    cluster::ExecutionText text = cluster::to_text(std::move(execution), lease);
    responder_.send(
        api_.reply(*session_, 200, std::move(text.meta), std::move(text.output), std::move(text.more)));
  }

 private:
  WorkerApi& api_;
  const std::weak_ptr<bool> alive_;
  const SessionPtr session_;
  http::Responder responder_;
};

// The calls of one request: each packet of the answer has those that have ended since the last one.
class WorkerApi::CallGroup final : public std::enable_shared_from_this<CallGroup> {
 public:
  CallGroup(WorkerApi& api, SessionPtr session, std::size_t calls, http::Responder responder)
      : api_(api),
        alive_(api.alive_),
        session_(std::move(session)),
        left_(calls),
        responder_(std::move(responder)) {}

  // Calls that are admitted together ask the socket once.
  void begin_asking() { asking_ = true; }
  void end_asking() {
    asking_ = false;
    awaited_.reset();
  }
  bool awaited() {
    if (!awaited_ || !asking_) {
      awaited_ = responder_.send_processing();
    }
    return *awaited_;
  }

  void refused(std::size_t index, int status, std::string_view word) {
    if (!alive_.expired()) {
      cluster::add_answer(packet_, index, status, word, {});
      ended_one();
    }
  }

  void done(std::size_t index, model::Execution&& execution, const std::optional<model::Allocation>& lease) {
    if (alive_.expired() || !api_.keeps(*session_, lease, responder_)) {
      return;
    }
    const cluster::ExecutionText text = cluster::to_text(std::move(execution), lease);
    cluster::add_answer(packet_, index, 200, text.meta, {text.output, text.more});
    ended_one();
  }

 private:
  // Others may end in the same turn.
  void ended_one() {
    --left_;
    if (left_ == 0) {
      flush();
    } else if (!std::exchange(flush_posted_, true)) {
      api_.loop_.post([self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
      });
    }
  }

  void flush() {
    if (packet_.empty() || alive_.expired()) {
      return;
    }
    if (!std::exchange(begun_, true)) {
      http::Response head;
      head.content_type = "application/octet-stream";
      responder_.begin(std::move(head));
    }
    const std::string packet = std::exchange(packet_, {});
    responder_.write(cluster::packet_line(session_->answers, packet).append(packet), left_ == 0);
  }

  WorkerApi& api_;
  const std::weak_ptr<bool> alive_;
  const SessionPtr session_;
  std::size_t left_;  // calls that have not ended
  http::Responder responder_;
  std::string packet_;
  bool begun_ = false;
  bool flush_posted_ = false;
  bool asking_ = false;
  std::optional<bool> awaited_;
};

class WorkerApi::GroupedCall final : public model::ExecutionObserver {
 public:
  GroupedCall(std::shared_ptr<CallGroup> group, std::size_t index)
      : group_(std::move(group)), index_(index) {}

  bool admitted() override {
    const bool awaited = group_->awaited();
    if (!awaited) {
      refused(model::Refusal::kNoAnswer);
    }
    return awaited;
  }
  void refused(model::Refusal refusal) override {
    group_->refused(index_, cluster::status_of(refusal), to_string(refusal));
  }
  void done(model::Execution&& execution, std::optional<model::Allocation>&& lease) override {
    group_->done(index_, std::move(execution), lease);
  }

 private:
  const std::shared_ptr<CallGroup> group_;
  const std::size_t index_;
};

void WorkerApi::execute(const SessionPtr& session, const cluster::InstanceRequest& asked, std::string body,
                        http::Responder responder) {
  const cluster::ToldVersion* told = versions_.find(asked.version);
  if (told == nullptr) {
    responder.send(reply(*session, cluster::kUnknownVersionStatus, std::string(kUnknownVersion)));
    return;
  }
  give(asked, *told, std::move(body), std::make_shared<RemoteCall>(*this, session, std::move(responder)));
}

void WorkerApi::execute_several(const SessionPtr& session, const std::vector<cluster::AskedCall>& calls,
                                http::Responder responder) {
  const auto group = std::make_shared<CallGroup>(*this, session, calls.size(), std::move(responder));
  group->begin_asking();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (const cluster::ToldVersion* told = versions_.find(calls[i].asked.version)) {
      give(calls[i].asked, *told, std::string(calls[i].body), std::make_shared<GroupedCall>(group, i));
    } else {
      group->refused(i, cluster::kUnknownVersionStatus, kUnknownVersion);
    }
  }
  group->end_asking();
}

void WorkerApi::give(const cluster::InstanceRequest& asked, const cluster::ToldVersion& told,
                     std::string body, std::shared_ptr<model::ExecutionObserver> observer) {
  const model::Allocation allocation = allocation_of(asked);
  model::ExecuteRequest call{told.version, told.function_name, asked.request_id,
                             std::make_shared<const std::string>(std::move(body)), asked.retired};
  if (asked.remaining) {
    call.latest = loop_.now() + *asked.remaining;
  }
  if (asked.ask == cluster::Ask::kBehind) {
    executor_.execute_behind(allocation, std::move(call), std::move(observer));
    return;
  }
  leases_.ended(allocation);
  executor_.execute(allocation, std::move(call), std::move(observer));
}

model::Allocation WorkerApi::allocation_of(const cluster::InstanceRequest& asked) const {
  return {options_.uri, std::string(asked.instance), asked.slot, asked.epoch, 0};
}

// Whether whoever called is there to get it. A lease without its caller is nobody's: as if it had been given
// back.
bool WorkerApi::keeps(const Session& session, const std::optional<model::Allocation>& lease,
                      const http::Responder& caller) {
  const bool there = !caller.gone();
  if (lease && there) {
    leases_.given(session.holder, *lease, loop_.now());
  } else if (lease) {
    executor_.release(*lease, model::ReleaseKind::kKeep);
  }
  return there;
}

}  // namespace hearth::worker
