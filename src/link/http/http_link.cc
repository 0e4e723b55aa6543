#include "link/http/http_link.h"

#include <utility>

#include "base/log.h"
#include "http/endpoint.h"

namespace hearth::link {
namespace {

// Workers come and go: one that was not used for so long is forgotten.
constexpr std::chrono::minutes kForgetAfter{10};
// Workers without TLS that are remembered, so that each is told of once.
constexpr std::size_t kPlainMost = 4'096;

}  // namespace

RemoteWorker* HttpLink::worker(const std::string& uri) {
  const auto known = workers_.find(uri);
  if (known != workers_.end()) {
    return known->second.get();
  }
  const auto endpoint = http::parse_link_endpoint(uri);
  if (!endpoint) {
    spdlog::warn("link: \"{}\" is no worker's URI: {}", uri, endpoint.error().message);
    return nullptr;
  }
  if (!may_be_used(uri, *endpoint)) {
    return nullptr;
  }
  forget_unused();
  const http::TlsContextPtr tls = endpoint->tls ? tls_ : nullptr;
  return workers_.emplace(uri, std::make_unique<RemoteWorker>(parts_, uri, endpoint->address, tls))
      .first->second.get();
}

bool HttpLink::may_be_used(const std::string& uri, const http::Endpoint& endpoint) {
  if (!endpoint.tls) {
    if (parts_.tls_only && plain_.size() < kPlainMost && plain_.insert(uri).second) {
      spdlog::warn("link: {} is not used: it has no TLS, which --link-tls asks for", uri);
    }
    return !parts_.tls_only;
  }
  if (!tls_) {
    auto made = http::TlsContext::of_client();
    if (!made) {
      spdlog::error("link: {} is not used: {}", uri, made.error().message);
      return false;
    }
    tls_ = std::move(*made);
  }
  return true;
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
    observer->refused(parts_.tls_only ? model::Refusal::kNoAnswer : model::Refusal::kGone);
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
    done(base::Error{base::ErrorCode::kInvalidArgument,
                     "\"" + worker_uri + "\" is no URI of a worker that may be asked (--link-tls)"});
  }
}

void HttpLink::provide(const std::string& worker_uri, std::string body, RemoteWorker::Provided done) {
  if (RemoteWorker* const remote = worker(worker_uri)) {
    remote->provide(std::move(body), std::move(done));
  } else {
    done(base::Error{base::ErrorCode::kInvalidArgument,
                     "\"" + worker_uri + "\" is no URI of a worker that may be asked (--link-tls)"});
  }
}

}  // namespace hearth::link
