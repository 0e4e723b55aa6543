#include "link/http/http_link.h"

#include <utility>

#include "base/log.h"
#include "http/endpoint.h"

namespace hearth::link {
namespace {

// Workers come and go: one that was not used for so long is forgotten.
constexpr std::chrono::minutes kForgetAfter{10};

}  // namespace

RemoteWorker* HttpLink::worker(const std::string& uri) {
  const auto known = workers_.find(uri);
  if (known != workers_.end()) {
    return known->second.get();
  }
  const auto endpoint = http::parse_endpoint(uri);
  if (!endpoint) {
    spdlog::warn("link: \"{}\" is no worker's URI: {}", uri, endpoint.error().message);
    return nullptr;
  }
  forget_unused();
  return workers_.emplace(uri, std::make_unique<RemoteWorker>(parts_, uri, endpoint->address))
      .first->second.get();
}

void HttpLink::forget_unused() {
  std::erase_if(workers_, [](const auto& entry) { return entry.second->unused_for(kForgetAfter); });
}

void HttpLink::execute(const model::Allocation& allocation, model::ExecuteRequest request,
                       std::shared_ptr<model::ExecutionObserver> observer) {
  if (is_own(allocation)) {
    own_->execute(allocation, std::move(request), std::move(observer));
  } else if (RemoteWorker* const remote = worker(allocation.worker_uri)) {
    remote->execute(cluster::Ask::kExecute, allocation, std::move(request), std::move(observer));
  } else {
    observer->refused(model::Refusal::kGone);
  }
}

void HttpLink::execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                              std::shared_ptr<model::ExecutionObserver> observer) {
  if (is_own(running)) {
    own_->execute_behind(running, std::move(request), std::move(observer));
  } else if (RemoteWorker* const remote = worker(running.worker_uri)) {
    remote->execute(cluster::Ask::kBehind, running, std::move(request), std::move(observer));
  } else {
    observer->refused(model::Refusal::kBusy);
  }
}

void HttpLink::take_back(const model::Allocation& running) {
  if (is_own(running)) {
    own_->take_back(running);
  } else if (RemoteWorker* const remote = worker(running.worker_uri)) {
    remote->take_back(running);
  }
}

void HttpLink::release(const model::Allocation& lease, model::ReleaseKind kind) {
  if (is_own(lease)) {
    own_->release(lease, kind);
  } else if (RemoteWorker* const remote = worker(lease.worker_uri)) {
    remote->release(lease, kind);
  }
}

void HttpLink::drain(const std::string& worker_uri, RemoteWorker::Drained done) {
  if (RemoteWorker* const remote = worker(worker_uri)) {
    remote->drain(std::move(done));
  } else {
    done(base::Error{base::ErrorCode::kInvalidArgument, "\"" + worker_uri + "\" is no worker's URI"});
  }
}

}  // namespace hearth::link
