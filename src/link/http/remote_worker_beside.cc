// What a gateway says to a worker beside its calls: leases that it gives back, what is to be kept
// started, and requests to leave.
#include <utility>

#include "link/http/remote_worker.h"

namespace hearth::link {

void RemoteWorker::take_back(const model::Allocation& running) {
  Exchange exchange;
  exchange.kind = Kind::kTakeBack;
  exchange.allocation = running;
  exchange.patience = kAdmission;
  begin(std::move(exchange));
}

// Also of one that has not answered lately: it is asked once, by a person.
void RemoteWorker::drain(Drained done) {
  last_used_ = parts_.reactor.now();
  Exchange exchange;
  exchange.kind = Kind::kDrain;
  exchange.drained = std::move(done);
  exchange.patience = kAdmission;
  begin(std::move(exchange));
}

// Said again soon: a worker that has not answered lately is left alone.
void RemoteWorker::provide(std::string body, Provided done) {
  if (parts_.reactor.now() < paused_until_) {
    done(base::Error{base::ErrorCode::kTimeout, "the worker at " + uri_ + " has not answered lately"});
    return;
  }
  last_used_ = parts_.reactor.now();
  Exchange exchange;
  exchange.kind = Kind::kProvide;
  exchange.body = std::make_shared<const std::string>(std::move(body));
  exchange.provided = std::move(done);
  exchange.patience = kAdmission;
  begin(std::move(exchange));
}

// All of one turn of the loop in one request.
void RemoteWorker::release(const model::Allocation& lease, model::ReleaseKind kind) {
  cluster::add_release(releases_, lease, kind);
  if (std::exchange(flush_posted_, true)) {
    return;
  }
  parts_.reactor.post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      flush_releases();
    }
  });
}

// A worker that does not answer takes its leases back by itself.
void RemoteWorker::flush_releases() {
  flush_posted_ = false;
  Exchange exchange;
  exchange.kind = Kind::kRelease;
  exchange.body = std::make_shared<const std::string>(std::exchange(releases_, {}));
  exchange.patience = kAdmission;
  if (!exchange.body->empty() && parts_.reactor.now() >= paused_until_) {
    begin(std::move(exchange));
  }
}

}  // namespace hearth::link
