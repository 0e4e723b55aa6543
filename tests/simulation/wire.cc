#include "tests/simulation/wire.h"

#include <fmt/format.h>

#include <vector>

namespace hearth::simulation {

using std::chrono::microseconds;

namespace {

constexpr std::chrono::seconds kLeaseGivenBack{2};
constexpr std::uint32_t kMostNoticeUs = 2'000'000;  // until a lost worker is known to be

}  // namespace

// One call on its way, from the server's dispatcher to the answer that this gets.
struct WireCall {
  std::uint64_t number = 0;
  ProcessId process = 0;
  ProcessLoop& home;
  std::string uri;
  std::shared_ptr<model::ExecutionObserver> observer;
  bool admitted = false;
  bool ended = false;  // the dispatcher has its answer, or has given up
};

class Wire::Return final : public model::ExecutionObserver {
 public:
  Return(Wire& wire, std::shared_ptr<WireCall> call) : wire_(wire), call_(std::move(call)) {}

  bool admitted() override {
    if (call_->ended || !call_->home.alive()) {
      return false;
    }
    call_->admitted = true;
    wire_.hosts_.at(call_->uri)->admitted.insert(call_);
    wire_.maybe_cut(call_);
    return true;
  }
  void refused(model::Refusal refusal) override {
    call_->home.later(wire_.pause(), [call = call_, refusal] {
      if (!std::exchange(call->ended, true)) {
        call->observer->refused(refusal);
      }
    });
  }
  void done(model::Execution&& execution, std::optional<model::Allocation>&& lease) override {
    WireHost& host = *wire_.hosts_.at(call_->uri);
    host.admitted.erase(call_);
    if (lease) {
      host.leases[{lease->instance, lease->slot}] = {call_->process, *lease};
      if (call_->ended || !call_->home.alive()) {
        wire_.release_lost(call_->uri, *lease);
        return;
      }
    }
    struct Answer {
      model::Execution execution;
      std::optional<model::Allocation> lease;
    };
    auto answer = std::make_shared<Answer>(Answer{std::move(execution), std::move(lease)});
    call_->home.later(wire_.pause(), [&wire = wire_, call = call_, answer] {
      wire.end(call, std::move(answer->execution), std::move(answer->lease));
    });
  }

 private:
  Wire& wire_;
  const std::shared_ptr<WireCall> call_;
};

base::Duration Wire::pause() { return microseconds(50 + dice_.below(1'000)); }

WireHost* Wire::host(const std::string& uri) {
  const auto found = hosts_.find(uri);
  return found == hosts_.end() ? nullptr : found->second.get();
}

void Wire::join(const std::string& uri, ProcessLoop& loop, worker::Worker& worker) {
  const auto by_number = [](const std::shared_ptr<WireCall>& a, const std::shared_ptr<WireCall>& b) {
    return a->number < b->number;
  };
  hosts_[uri].reset(new WireHost{loop, worker, decltype(WireHost::admitted)(by_number), {}});
}

void Wire::leave(const std::string& uri) {
  const auto host = hosts_.extract(uri);
  for (const auto& call : host.mapped()->admitted) {
    call->home.later(microseconds(dice_.below(kMostNoticeUs)), [this, call] {
      end(call, {model::failed(model::OutcomeKind::kWorkerLost, "its worker was lost"), {}, {}, {}},
          std::nullopt);
    });
  }
}

void Wire::forget_server(ProcessId process) {
  for (const auto& [uri, host] : hosts_) {
    for (const auto& [place, held] : host->leases) {
      if (held.first == process) {
        release_lost(uri, held.second);
      }
    }
  }
}

void Wire::release_lost(const std::string& uri, const model::Allocation& lease) {
  host(uri)->loop.later(kLeaseGivenBack, [this, uri, lease] {
    if (WireHost* there = host(uri)) {
      there->leases.erase({lease.instance, lease.slot});
      there->worker.release(lease, model::ReleaseKind::kLost);
    }
  });
}

void Wire::maybe_cut(const std::shared_ptr<WireCall>& call) {
  if (dice_.share() >= cut_) {
    return;
  }
  call->home.later(microseconds(dice_.below(kMostNoticeUs)), [this, call] {
    end(call, {model::failed(model::OutcomeKind::kWorkerLost, "the way to its worker was lost"), {}, {}, {}},
        std::nullopt);
  });
}

void Wire::end(const std::shared_ptr<WireCall>& call, model::Execution&& execution,
               std::optional<model::Allocation>&& lease) {
  if (std::exchange(call->ended, true)) {
    if (lease && host(call->uri) != nullptr) {
      release_lost(call->uri, *lease);
    }
    return;
  }
  runs_.delivered(call->number, execution.outcome, loop_.now());
  call->observer->done(std::move(execution), std::move(lease));
}

// The call's number goes with its input, for the instance to say what it executes.
void Wire::arrive(const std::shared_ptr<WireCall>& call, const model::Allocation& allocation,
                  const model::ExecuteRequest& request) {
  WireHost* there = host(call->uri);
  if (there == nullptr) {
    Return(*this, call).refused(model::Refusal::kNoAnswer);
    return;
  }
  there->loop.later(base::Duration(1), [this, there, call, allocation, request] {
    there->leases.erase({allocation.instance, allocation.slot});
    model::ExecuteRequest numbered = request;
    numbered.body = std::make_shared<const std::string>(fmt::format("{}|{}", call->number, *request.body));
    there->worker.execute(allocation, std::move(numbered), std::make_shared<Return>(*this, call));
  });
}

void WireLink::execute(const model::Allocation& allocation, model::ExecuteRequest request,
                       std::shared_ptr<model::ExecutionObserver> observer) {
  const std::uint64_t number = wire_.runs_.sent(process_, std::string(std::string_view(request.request_id)));
  auto call = std::make_shared<WireCall>(
      WireCall{number, process_, loop_, allocation.worker_uri, std::move(observer)});
  loop_.at(loop_.now() + kAdmissionDeadline, [call] {
    if (!call->admitted && !std::exchange(call->ended, true)) {
      call->observer->refused(model::Refusal::kNoAnswer);
    }
  });
  wire_.loop_.at(wire_.loop_.now() + wire_.pause(),
                 [&wire = wire_, call, allocation, request = std::move(request)] {
                   wire.arrive(call, allocation, request);
                 });
}

void WireLink::execute_behind(const model::Allocation& /*running*/, model::ExecuteRequest /*request*/,
                              std::shared_ptr<model::ExecutionObserver> observer) {
  loop_.post([observer = std::move(observer)] { observer->refused(model::Refusal::kBusy); });
}

void WireLink::release(const model::Allocation& lease, model::ReleaseKind kind) {
  if (!loop_.alive()) {
    return;
  }
  wire_.loop_.at(wire_.loop_.now() + wire_.pause(), [&wire = wire_, lease, kind] {
    if (WireHost* there = wire.host(lease.worker_uri)) {
      there->loop.later(base::Duration(1), [there, lease, kind] {
        there->leases.erase({lease.instance, lease.slot});
        there->worker.release(lease, kind);
      });
    }
  });
}

}  // namespace hearth::simulation
