// All of Hearth's parts in one process, wired: made once the process is unprivileged, run until told
// to stop. One shard for each of --threads, and what they have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/hearth/executions_role.h"
#include "apps/hearth/members.h"
#include "apps/hearth/monitor_role.h"
#include "apps/hearth/serve_options.h"
#include "apps/hearth/shard.h"
#include "apps/hearth/stores.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "gateway/change_follower.h"
#include "gateway/functions_api.h"
#include "launcher/client.h"
#include "launcher/shared_host.h"
#include "store/sqlite/data_directory.h"
#include "worker/code_cache.h"

namespace hearth {

// What the privileged part of the start hands over.
struct PlatformStart {
  base::UniqueFd listening{};         // of a gateway or a monitor
  base::UniqueFd worker_listening{};  // of a worker that gateways elsewhere reach
  std::string cluster_key{};
  base::UniqueFd launcher_socket{};  // of a worker, like what follows but the API key
  worker::RuntimePrograms programs{};
  std::string api_key{};
  std::uint32_t memory_mb = 0;
};

class Platform {
 public:
  // Before the process has a second thread: SIGTERM and SIGINT come through the loop alone.
  static void block_signals();

  Platform(const ServeOptions& options, PlatformStart start, store::sqlite::DataDirectory& directory);
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  ~Platform();

  // Opens the store, fills the caches and makes the parts. Before run().
  base::Result<void> open();
  // Of the gateway's or the monitor's API, else of the worker's.
  std::uint16_t port() const;
  std::size_t function_count() const { return shards_.front()->functions().size(); }

  // Until SIGTERM or SIGINT, then a drain of at most --drain-timeout; a second signal ends it at
  // once. The exit status.
  int run();

 private:
  base::Reactor& first_loop() { return *loops_.front(); }
  base::SpinOptions spin_options(std::size_t shard);
  void make_parts();
  model::FunctionLimits function_limits() const;
  void make_worker_parts();
  void make_gateway_parts();
  void make_members();
  void looked(const std::vector<model::Member>& members);
  std::unique_ptr<Shard> make_shard(std::size_t index);
  std::unique_ptr<worker::CodeSource> code_source_for(base::Reactor& loop);
  std::unique_ptr<gateway::FunctionVersions> versions_for(base::Reactor& loop);
  std::unique_ptr<gateway::Executions> executions_for(base::Reactor& loop);
  std::unique_ptr<gateway::Schedules> schedules_for(base::Reactor& loop);
  std::function<gateway::ExecutionsStatus()> executions_status(std::size_t shard);
  std::unique_ptr<gateway::FunctionChanges> changes_for(std::size_t shard);
  base::Result<void> fill_mirrors();
  std::vector<gateway::LoopMirror> mirrors() const;
  base::Result<void> watch_signals();
  void start_api(base::TimePoint latest);
  void on_signal(int signal);
  void stop_servers();
  void on_drain_asked();
  void drain();
  void drain_callers();
  void drain_workers();
  void one_part_drained();
  void on_each_shard(const std::function<void(Shard&)>& what);
  void launcher_lost(const base::Error& error);

  const ServeOptions options_;
  store::sqlite::DataDirectory& directory_;
  std::vector<std::unique_ptr<base::Reactor>> loops_;  // one a shard; the first is the thread of run()
  base::UniqueFd signals_;                             // signalfd(2): SIGINT and SIGTERM
  base::Reactor::Watch signals_watch_;
  base::SystemRandom random_;
  schedule::TimeZones zones_;

  // Of all shards. What is not for any thread lives on the first loop.
  std::unique_ptr<Stores> stores_;
  std::unique_ptr<launcher::Client> launcher_;
  std::unique_ptr<launcher::SharedHost> shared_host_;
  std::unique_ptr<base::BlockingPool> pool_;
  std::unique_ptr<worker::CodeCache> code_cache_;
  std::unique_ptr<Cluster> cluster_;  // null: this process is the whole platform
  std::unique_ptr<Members> members_;
  dispatch::ConcurrencyBook limits_;
  std::optional<dispatch::ShareKeeper> share_;  // of every limit; of a gateway
  std::unique_ptr<MonitorRole> monitor_;        // null but in a monitor
  std::unique_ptr<gateway::FunctionsApi> changes_;
  std::unique_ptr<ExecutionsRole> executions_;  // null but in a gateway
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<gateway::ChangeFollower> follower_;  // null: nobody else changes the store

  PlatformStart start_;
  std::size_t draining_parts_ = 0;  // parts that have not said yet that nothing is left
  bool workers_drain_ = false;      // after the callers
  bool stopping_ = false;
  int exit_status_ = 0;
};

}  // namespace hearth
