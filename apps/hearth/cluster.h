// What a process has beyond its own when its platform runs on several hosts: messaging in Redis, the link to
// other hosts' workers, and the API of its own worker, where it has one.
//
// On the loop of the process's one shard. Made and ended by the platform.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/hearth/serve_options.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "base/unique_fd.h"
#include "cluster/auth.h"
#include "dispatch/function_cache.h"
#include "gateway/fleet_provisions.h"
#include "http/server.h"
#include "link/http/http_link.h"
#include "link/link.h"
#include "messaging/redis/redis_member_directory.h"
#include "messaging/redis/redis_messaging.h"
#include "model/member.h"
#include "worker/api/provision_book.h"
#include "worker/api/worker_api.h"
#include "worker/worker.h"

namespace hearth {

struct ClusterParts {
  base::Reactor& loop;
  base::BlockingPool& pool;
  base::Random& random;
  std::string key;                  // --cluster-key; empty: none
  base::UniqueFd worker_listening;  // of a process with a worker
};

class Cluster {
 public:
  Cluster(const ServeOptions& options, ClusterParts parts);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  messaging::RedisMessaging& messaging() { return messaging_; }
  messaging::RedisMemberDirectory& directory() { return directory_; }
  // In every allocation of the own worker.
  const std::string& worker_uri() const { return options_.advertise; }
  // `own` may be null.
  std::unique_ptr<link::Link> make_link(model::Executor* own);
  // Of a process with a gateway, while its link is there.
  std::unique_ptr<gateway::Provisions> make_provisions(const dispatch::FunctionCache& functions,
                                                       std::function<bool()> knows_newest);
  // Who there is, at each heartbeat.
  void looked(const std::vector<model::Member>& members);
  // Asks a worker elsewhere to drain. Of a process with a gateway, while its link is there.
  void ask_to_leave(const std::string& worker_uri, const std::function<void(base::Result<void>)>& done);

  // The worker hears what messaging tells, and is reached by others. Once, before open(). `drain` is called
  // when somebody asks this process to leave.
  base::Result<void> offer(worker::Worker& worker, std::function<void()> drain);
  // Connects, and takes calls.
  void open();

  // Null without a worker.
  http::Server* worker_server() { return worker_server_.get(); }

 private:
  const ServeOptions& options_;
  ClusterParts parts_;
  const std::string name_;  // of this process among all
  const cluster::Key key_;
  messaging::RedisMessaging messaging_;
  messaging::RedisMemberDirectory directory_;
  link::HttpLink* link_ = nullptr;                  // its shard's
  gateway::FleetProvisions* provisions_ = nullptr;  // its shard's
  std::unique_ptr<worker::ProvisionBook> provision_book_;
  std::unique_ptr<worker::WorkerApi> worker_api_;
  std::unique_ptr<http::Server> worker_server_;
};

}  // namespace hearth
