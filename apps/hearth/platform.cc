#include "apps/hearth/platform.h"

#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/log.h"

namespace hearth {
namespace {

// Threads for what blocks: SQLite, fsync, unzip. More would only queue at the disk.
constexpr std::size_t kBlockingThreads = 4;
constexpr std::size_t kBlockingQueue = 1'024;

std::chrono::milliseconds in_ms(std::chrono::microseconds duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

// The disk no longer holds what we believe: stop at once and recover at the next start.
[[noreturn]] void end_on_storage_failure(const base::Error& error) {
  spdlog::critical("the store failed: {}; stopping, so that the next start recovers from what the disk holds",
                   error.message);
  spdlog::shutdown();
  std::_Exit(1);
}

gateway::GatewayOptions gateway_options(const ServeOptions& options, std::string api_key) {
  return {std::move(api_key), options.upload, options.function, options.invocation, options.logs};
}

worker::SandboxedInstanceOptions instance_options(const ServeOptions& options, const PlatformStart& start) {
  worker::SandboxedInstanceOptions made;
  made.start_timeout = in_ms(options.start_timeout);
  made.init_timeout = in_ms(options.init_timeout);
  made.invocation = options.invocation;
  made.limits = options.instance;
  made.limits.cpu_millicores = static_cast<std::uint32_t>(options.instance_cpus * 1'000);
  made.node.node = start.node;
  made.node.shim = start.shim;
  return made;
}

worker::WorkerOptions worker_options(const ServeOptions& options, std::uint32_t memory_mb) {
  worker::WorkerOptions made;
  made.memory_mb = memory_mb;
  made.largest_function_mb = options.function.memory_max_mb;
  made.keep_alive = in_ms(options.keep_alive);
  made.evict = options.evict == "idle";
  return made;
}

dispatch::DispatcherOptions dispatcher_options(const ServeOptions& options) {
  dispatch::DispatcherOptions made;
  made.hot_wait_max = options.hot_wait;
  made.cores = std::max(1U, std::thread::hardware_concurrency());
  made.queue_timeout = in_ms(options.queue_timeout);
  made.queue_depth = options.queue_depth;
  made.eviction_timeout = in_ms(options.room_timeout);
  return made;
}

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void Platform::block_signals() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Platform::Platform(const ServeOptions& options, PlatformStart start, store::sqlite::DataDirectory& directory)
    : options_(options), directory_(directory), loop_(spin_options()) {
  start_ = std::move(start);
}

Platform::~Platform() {
  // Jobs of the pool use the parts: they end first.
  server_.reset();
  pool_.reset();
}

// Only for one or two callers: then one core is left to them and the instance that is waited for. With more,
// a loop that does not sleep would take the core that they need.
base::SpinOptions Platform::spin_options() {
  return {options_.spin, [this] { return gateway_ && gateway_->calls_one_by_one(); }};
}

base::Result<void> Platform::open() {
  if (auto watched = watch_signals(); !watched) {
    return watched.error();
  }
  auto database = store::sqlite::Database::open(directory_.database_path(), end_on_storage_failure);
  if (!database) {
    return database.error();
  }
  database_ = std::move(*database);
  auto functions = store::sqlite::SqliteFunctionStore::open(*database_);
  if (!functions) {
    return functions.error();
  }
  function_store_ = std::move(*functions);
  code_store_ = std::make_unique<store::sqlite::FileCodeStore>(directory_);
  auto known = function_store_->list();
  if (!known) {
    return known.error();
  }
  for (auto& function : *known) {
    functions_.put(std::make_shared<const model::Function>(std::move(function)));
  }
  make_parts();
  if (auto opened = code_cache_->open(); !opened) {
    return opened.error();
  }
  if (auto listening = server_->adopt(std::move(start_.listening)); !listening) {
    return listening.error();
  }
  return {};
}

void Platform::make_parts() {
  launcher_ = std::make_unique<launcher::Client>(loop_, std::move(start_.launcher_socket),
                                                 [this](const base::Error& error) { launcher_lost(error); });
  pool_ = std::make_unique<base::BlockingPool>(kBlockingThreads, kBlockingQueue);
  const archive::Limits unzip{options_.upload.unzipped_bytes, options_.upload.zip_entries,
                              options_.upload.path_bytes, options_.upload.path_depth};
  code_cache_ = std::make_unique<worker::CodeCache>(
      worker::CodeCacheOptions{directory_.cache_folder(), unzip, options_.code_cache_bytes}, *code_store_,
      *pool_, loop_);
  instances_ = std::make_unique<worker::SandboxedInstanceFactory>(
      loop_, loop_, *launcher_,
      [this](const std::string& digest, worker::CodeCache::Done done) {
        code_cache_->folder(digest, std::move(done));
      },
      instance_options(options_, start_));
  worker_ = std::make_unique<worker::Worker>(worker_options(options_, start_.memory_mb), *instances_,
                                             messaging_, loop_, random_);
  messaging_.subscribe(*worker_);
  link_ = std::make_unique<link::InprocLink>(*worker_);
  dispatcher_ =
      std::make_unique<dispatch::Dispatcher>(dispatcher_options(options_), messaging_, *link_, loop_);
  const gateway::FunctionsApiParts parts{*function_store_, *code_store_, functions_, *dispatcher_,
                                         *pool_,           loop_,        random_};
  gateway_ = std::make_unique<gateway::Gateway>(
      gateway_options(options_, start_.api_key),
      gateway::GatewayParts{parts, [this] { return status(); }, request_ids_});
  server_ = std::make_unique<http::Server>(loop_, options_.http, *gateway_);
}

gateway::PlatformStatus Platform::status() const {
  const worker::WorkerSnapshot snapshot = worker_->snapshot();
  gateway::PlatformStatus status;
  status.memory_total_mb = snapshot.total_mb;
  status.memory_free_mb = snapshot.free_mb;
  for (const auto& [state, count] : snapshot.reservations) {
    status.instances[std::string(to_string(state))] = count;
  }
  for (const auto& [state, mb] : snapshot.reserved_mb) {
    status.reserved_mb[std::string(to_string(state))] = mb;
  }
  status.instances_started = snapshot.instances_started;
  status.instances_expired = snapshot.instances_expired;
  status.instances_evicted = snapshot.instances_evicted;
  status.calls_waiting = dispatcher_->calls_waiting();
  status.calls_running = dispatcher_->calls_running();
  status.connections = server_->connection_count();
  return status;
}

int Platform::run() {
  worker_->open();
  server_->start();
  loop_.run();
  return exit_status_;
}

base::Result<void> Platform::watch_signals() {
  const sigset_t set = stop_signals();
  signals_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_.valid()) {
    return base::io_error("signalfd", errno);
  }
  signals_watch_ = loop_.watch(signals_.get(), [this](base::Readiness) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      on_signal(static_cast<int>(info.ssi_signo));
    }
  });
  return {};
}

void Platform::on_signal(int signal) {
  if (stopping_) {
    spdlog::warn("second signal: stopping what still runs");
    worker_->stop_now();
    server_->stop();
    return;
  }
  spdlog::info("{}: stopping; running invocations may finish for {} s",
               signal == SIGINT ? "SIGINT" : "SIGTERM",
               std::chrono::duration_cast<std::chrono::seconds>(options_.drain_timeout).count());
  drain();
}

void Platform::drain() {
  stopping_ = true;
  gateway_->drain();
  dispatcher_->drain();
  draining_parts_ = 2;
  server_->drain([this] { one_part_drained(); });
  worker_->drain([this] { one_part_drained(); });
  loop_.at(loop_.now() + options_.drain_timeout, [this] {
    spdlog::warn("stopping what still runs after --drain-timeout");
    worker_->stop_now();
    // The answers of what was stopped are sent; a peer that does not read them has a second.
    loop_.at(loop_.now() + std::chrono::seconds(1), [this] { server_->stop(); });
  });
}

void Platform::one_part_drained() {
  if (--draining_parts_ == 0) {
    loop_.stop();
  }
}

void Platform::launcher_lost(const base::Error& error) {
  if (stopping_) {
    return;
  }
  spdlog::critical("the launcher was lost ({}): no instance can be started or removed; stopping",
                   error.message);
  exit_status_ = 1;
  server_->stop();
  loop_.stop();
}

}  // namespace hearth
