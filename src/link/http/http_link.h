// The link between hosts: workers are reached over HTTP at the URI in the allocation, with TLS where that
// says https; the process's own, if it has one, is called.
//
// Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "link/http/remote_worker.h"
#include "link/link.h"

namespace hearth::link {

class HttpLink final : public Link {
 public:
  // `own_uri` and `own`: this process's worker; null where it has none. All outlive the link.
  HttpLink(LinkParts parts, std::string own_uri, model::Executor* own)
      : parts_(std::move(parts)), own_uri_(std::move(own_uri)), own_(own) {}

  void execute(const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer) override;
  void execute_behind(const model::Allocation& running, model::ExecuteRequest request,
                      std::shared_ptr<model::ExecutionObserver> observer) override;
  void take_back(const model::Allocation& running) override;
  bool may_keep(const model::Allocation& /*lease*/) const override { return true; }
  void release(const model::Allocation& lease, model::ReleaseKind kind) override;

  // Asks a worker elsewhere to leave. kInvalidArgument: the URI is none; kTimeout: nobody answers there.
  void drain(const std::string& worker_uri, RemoteWorker::Drained done);
  // Says to a worker elsewhere what it is to keep started. The same failures.
  void provide(const std::string& worker_uri, std::string body, RemoteWorker::Provided done);

 private:
  bool is_own(const model::Allocation& allocation) const {
    return own_ != nullptr && allocation.worker_uri == own_uri_;
  }
  // Null when the URI is none, or nothing may be said to it.
  RemoteWorker* worker(const std::string& uri);
  bool may_be_used(const std::string& uri, const http::Endpoint& endpoint);
  void forget_unused();

  LinkParts parts_;
  const std::string own_uri_;
  model::Executor* const own_;
  std::unordered_map<std::string, std::unique_ptr<RemoteWorker>> workers_;  // by URI
  std::unordered_set<std::string> plain_;                                   // URIs not used without TLS
  http::TlsContextPtr tls_;                                                 // once a worker speaks TLS
};

}  // namespace hearth::link
