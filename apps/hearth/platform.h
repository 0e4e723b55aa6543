// All of Hearth's parts in one process, wired: made once the process is unprivileged, run until told
// to stop.
#pragma once

#include <memory>
#include <string>

#include "apps/hearth/serve_options.h"
#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "dispatch/dispatcher.h"
#include "dispatch/function_cache.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "launcher/client.h"
#include "link/inproc/inproc_link.h"
#include "messaging/inproc/inproc_messaging.h"
#include "store/sqlite/data_directory.h"
#include "store/sqlite/database.h"
#include "store/sqlite/file_code_store.h"
#include "store/sqlite/sqlite_function_store.h"
#include "worker/code_cache.h"
#include "worker/sandboxed_instance.h"
#include "worker/worker.h"

namespace hearth {

// What the privileged part of the start hands over.
struct PlatformStart {
  base::UniqueFd listening;
  base::UniqueFd launcher_socket;
  std::string node;  // inside the sandbox: the same path as outside
  std::string shim;  // inside the sandbox
  std::string api_key;
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
  std::uint16_t port() const { return server_->port(); }
  std::size_t function_count() const { return functions_.size(); }

  // Until SIGTERM or SIGINT, then a drain of at most --drain-timeout; a second signal ends it at
  // once. The exit status.
  int run();

 private:
  base::SpinOptions spin_options();
  void make_parts();
  gateway::PlatformStatus status() const;
  base::Result<void> watch_signals();
  void on_signal(int signal);
  void drain();
  void one_part_drained();
  void launcher_lost(const base::Error& error);

  const ServeOptions options_;
  store::sqlite::DataDirectory& directory_;
  base::Reactor loop_;
  base::UniqueFd signals_;  // signalfd(2): SIGINT and SIGTERM
  base::Reactor::Watch signals_watch_;
  base::SystemRandom random_;
  base::PooledRandom request_ids_;
  messaging::InprocMessaging messaging_;
  dispatch::FunctionCache functions_;

  std::unique_ptr<store::sqlite::Database> database_;
  std::unique_ptr<store::sqlite::SqliteFunctionStore> function_store_;
  std::unique_ptr<store::sqlite::FileCodeStore> code_store_;
  std::unique_ptr<launcher::Client> launcher_;
  std::unique_ptr<base::BlockingPool> pool_;
  std::unique_ptr<worker::CodeCache> code_cache_;
  std::unique_ptr<worker::SandboxedInstanceFactory> instances_;
  std::unique_ptr<worker::Worker> worker_;
  std::unique_ptr<link::InprocLink> link_;
  std::unique_ptr<dispatch::Dispatcher> dispatcher_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<http::Server> server_;

  PlatformStart start_;
  int draining_parts_ = 0;  // parts that have not said yet that nothing is left
  bool stopping_ = false;
  int exit_status_ = 0;
};

}  // namespace hearth
