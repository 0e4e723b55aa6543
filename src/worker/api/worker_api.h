// What a worker offers to gateways on other hosts, over HTTP: the Executor's operations, each message with
// its MAC (cluster/auth.h, cluster/wire.h; docs/worker-api.md).
//
// An http::Handler on the worker's loop. Before anything is executed the gateway is told so (102 Processing),
// and has to be there still: who has given up waiting, and asked another worker, has closed its side of the
// connection, and nothing is executed for it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "base/random.h"
#include "base/units.h"
#include "cluster/auth.h"
#include "cluster/calls.h"
#include "cluster/provisions.h"
#include "cluster/wire.h"
#include "http/server.h"
#include "model/execution.h"
#include "worker/api/known_versions.h"
#include "worker/api/lease_book.h"

namespace hearth::worker {

struct WorkerApiOptions {
  std::string uri;                            // in every allocation; what gateways say is not asked
  cluster::Key key{};                         // --cluster-key
  std::uint64_t body_bytes = 6 * base::kMiB;  // --max-body-bytes
};

// What the process does when somebody asks for it.
struct WorkerApiActions {
  std::function<void()> drain;          // POST /drain; once
  std::function<std::string()> health;  // GET /health, which anybody may ask: JSON
  // POST /provisions: how many are ready of each function that was told.
  std::function<cluster::ReadyCounts(const std::vector<cluster::ToldProvision>&)> provide{};
};

class WorkerApi final : public http::Handler {
 public:
  // All outlive it.
  WorkerApi(WorkerApiOptions options, model::Executor& executor, base::EventLoop& loop, base::Random& random,
            WorkerApiActions actions);
  WorkerApi(const WorkerApi&) = delete;
  WorkerApi& operator=(const WorkerApi&) = delete;
  ~WorkerApi() override;

  http::BodyPlan plan(const http::RequestHead& head) override;
  void handle(http::Request&& request, http::Responder responder) override;
  http::Response refuse(int status, std::string_view reason, std::string_view message) override;
  void connection_closed(const void* connection) override;

  std::size_t sessions() const { return sessions_.size(); }
  std::size_t leases_given() const { return leases_.size(); }

 private:
  class RemoteCall;
  class CallGroup;
  class GroupedCall;
  struct Session {
    std::string holder;
    cluster::Key key;
    cluster::Seal requests;
    cluster::Seal answers;
    bool proved = false;  // a request of it was authentic
  };
  using SessionPtr = std::shared_ptr<Session>;  // a call under way answers with it

  http::Response reply(Session& session, int status, std::string meta, std::string body = {},
                       std::string more = {});
  http::Response begin_session(const http::RequestHead& head, const http::SocketEnds& ends);
  bool authentic(Session& session, const http::RequestHead& head);
  void execute(const SessionPtr& session, const cluster::InstanceRequest& asked, std::string body,
               http::Responder responder);
  void execute_several(const SessionPtr& session, const std::vector<cluster::AskedCall>& calls,
                       http::Responder responder);
  void give(const cluster::InstanceRequest& asked, const cluster::ToldVersion& told, std::string body,
            std::shared_ptr<model::ExecutionObserver> observer);
  bool keeps(const Session& session, const std::optional<model::Allocation>& lease,
             const http::Responder& caller);
  int tell_version(const http::Request& request);
  int release(const std::string& body);
  http::Response provide(Session& session, const std::string& body);
  model::Allocation allocation_of(const cluster::InstanceRequest& asked) const;
  void give_back(std::vector<model::Allocation> lost);
  void arm_expiry();

  const WorkerApiOptions options_;
  model::Executor& executor_;
  base::EventLoop& loop_;
  base::Random& random_;
  WorkerApiActions actions_;
  std::unordered_map<const void*, SessionPtr> sessions_;      // by connection
  std::unordered_map<std::string, std::size_t> connections_;  // of each holder, those that are proved
  KnownVersions versions_;
  LeaseBook leases_;
  base::TimerId expiry_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // calls under way may outlive this
};

}  // namespace hearth::worker
