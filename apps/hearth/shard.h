// One event loop's part of the platform, with all that a warm call needs: connections, gateway, dispatcher,
// worker and instances; on several hosts only those of the process's role. Nothing of that is shared with
// another loop. What is not of the warm path (code, the store, the launcher, changes of functions) is on the
// first loop or for any thread, and is handed in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "apps/hearth/cluster.h"
#include "apps/hearth/serve_options.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "dispatch/dispatcher.h"
#include "dispatch/function_cache.h"
#include "gateway/gateway.h"
#include "gateway/provisions.h"
#include "http/server.h"
#include "link/link.h"
#include "membership/card_maker.h"
#include "membership/fleet.h"
#include "messaging/crossloop/crossloop_messaging.h"
#include "messaging/inproc/inproc_messaging.h"
#include "sandbox/sandbox.h"
#include "store/code_store.h"
#include "worker/sandboxed_instance.h"
#include "worker/worker.h"

namespace hearth {

struct ShardOptions {
  const ServeOptions& serve;
  std::size_t index = 0;
  std::size_t count = 1;        // shards there are
  std::uint32_t memory_mb = 0;  // for the instances of this one
  worker::RuntimePrograms programs;
  std::string api_key;
};

// For this shard's loop; what is referred to outlives the shard.
struct ShardParts {
  base::Reactor& loop;
  std::unique_ptr<sandbox::Host> host;  // of a worker, like what follows
  std::unique_ptr<worker::CodeSource> code_source;
  std::unique_ptr<gateway::FunctionChanges> changes;  // of a gateway, like what follows
  std::unique_ptr<gateway::FunctionVersions> versions;
  std::unique_ptr<gateway::Executions> executions;
  std::unique_ptr<gateway::Schedules> schedules;
  // What the status of the first loop says of them; empty on others.
  std::function<gateway::ExecutionsStatus()> executions_status;
  dispatch::ConcurrencyBook& limits;  // of the process
  store::CodeStore& code;
  base::BlockingPool& pool;
  Cluster* cluster;                          // null: one process is the whole platform
  std::unique_ptr<membership::Fleet> fleet;  // of a gateway
};

// What it does now.
struct ShardLoad {
  membership::Load load;
  std::set<model::VersionId> versions;  // that its worker has instances of
};

class Shard {
 public:
  // Its worker is ready; connect() makes the rest, once every shard is there.
  Shard(ShardOptions options, ShardParts parts);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  void connect(const std::vector<std::unique_ptr<Shard>>& all);
  // After all are connected: the gateways know one another.
  void introduce(const std::vector<std::unique_ptr<Shard>>& all);
  // When its mirror is filled, and before its loop runs: its worker offers memory, and begins to keep started
  // what is to be.
  void open();

  base::Reactor& loop() { return parts_.loop; }
  dispatch::FunctionCache& functions() { return functions_; }
  // Null where the process does not have the role.
  gateway::Gateway* gateway() { return gateway_.get(); }
  http::Server* server() { return server_.get(); }
  worker::Worker* worker() { return worker_.get(); }
  dispatch::Dispatcher* dispatcher() { return dispatcher_.get(); }
  // On the loop.
  ShardLoad load();

  // On the loop. `drained` is called there when no caller is left.
  void drain_callers(std::function<void()> drained);
  // On the loop, when no shard has a caller. `one_drained` is called there once for each of worker_parts(): a
  // worker without an instance, and its server without a connection.
  void drain_worker(const std::function<void()>& one_drained);
  std::size_t worker_parts() const;
  // Closes every connection now.
  void stop_servers();
  // What still runs ends as kExited.
  void stop_instances();

 private:
  void make_worker();
  messaging::Messaging& messaging();
  std::unique_ptr<link::Link> make_link(const std::vector<std::unique_ptr<Shard>>& all);
  std::unique_ptr<gateway::Provisions> make_provisions();
  gateway::PlatformStatus status() const;

  const ShardOptions options_;
  const ShardParts parts_;
  const std::string uri_;  // of the worker
  base::SystemRandom random_;
  base::PooledRandom request_ids_;
  dispatch::FunctionCache functions_;
  std::unique_ptr<gateway::Provisions> provisions_;  // of a gateway
  messaging::InprocMessaging local_messaging_;
  std::unique_ptr<messaging::CrossLoopMessaging> crossloop_messaging_;  // where there is more than one shard
  std::unique_ptr<worker::SandboxedInstanceFactory> instances_;
  std::unique_ptr<worker::Worker> worker_;
  std::unique_ptr<link::Link> link_;
  std::unique_ptr<dispatch::Dispatcher> dispatcher_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace hearth
