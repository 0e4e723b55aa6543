#include "apps/hearth/shard.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "apps/hearth/worker_provisions.h"
#include "link/crossloop/crossloop_link.h"
#include "link/inproc/inproc_link.h"
#include "model/runtime.h"

namespace hearth {
namespace {

std::chrono::milliseconds in_ms(std::chrono::microseconds duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

std::uint32_t cores_of(const ShardOptions& shard) {
  return std::max(1U, std::thread::hardware_concurrency() / static_cast<std::uint32_t>(shard.count));
}

gateway::GatewayOptions gateway_options(const ShardOptions& shard) {
  const ServeOptions& options = shard.serve;
  gateway::LogBookLimits logs = options.logs;
  logs.bytes /= shard.count;
  return {shard.api_key, options.upload, options.function, options.invocation, options.executions.max_depth,
          logs};
}

worker::SandboxedInstanceOptions instance_options(const ShardOptions& shard) {
  const ServeOptions& options = shard.serve;
  worker::SandboxedInstanceOptions made;
  made.start_timeout = in_ms(options.start_timeout);
  made.init_timeout = in_ms(options.init_timeout);
  made.pause_after = options.pause_after;
  made.compile_cache_bytes = options.compile_cache_bytes;
  made.invocation = options.invocation;
  made.limits = options.instance;
  made.limits.cpu_millicores = static_cast<std::uint32_t>(options.instance_cpus * 1'000);
  made.programs = shard.programs;
  return made;
}

worker::PrestartOptions prestart_options(const ShardOptions& shard) {
  const ServeOptions& options = shard.serve;
  worker::PrestartOptions made;
  made.most = (options.prestart + static_cast<std::uint32_t>(shard.count) - 1) /
              static_cast<std::uint32_t>(shard.count);
  made.cores = cores_of(shard);
  made.ready = options.prestart_ready;
  model::Version usual;  // of the default size
  made.always.push_back(worker::kind_of(usual));
  if (!shard.programs.python.python.empty()) {
    usual.runtime = model::kPython;
    made.always.push_back(worker::kind_of(usual));
  }
  return made;
}

worker::WorkerOptions worker_options(const ShardOptions& shard, const std::string& uri) {
  const ServeOptions& options = shard.serve;
  worker::WorkerOptions made;
  made.uri = uri;
  made.memory_mb = shard.memory_mb;
  made.largest_function_mb = options.function.memory_max_mb;
  made.keep_alive = {options.keep_alive_policy == "adaptive" ? worker::KeepAliveKind::kAdaptive
                                                             : worker::KeepAliveKind::kFixed,
                     in_ms(options.keep_alive), in_ms(options.keep_alive_longest)};
  made.evict = options.evict == "idle";
  made.shared = !options.messaging.empty();
  made.prestart = prestart_options(shard);
  made.overcommit = options.overcommit;
  return made;
}

dispatch::DispatcherOptions dispatcher_options(const ShardOptions& shard) {
  const ServeOptions& options = shard.serve;
  dispatch::DispatcherOptions made;
  made.hot_wait_max = options.hot_wait;
  made.cores = cores_of(shard);
  made.instances_here = options.roles.worker;
  made.queue_timeout = in_ms(options.queue_timeout);
  // A part of none is none, of little at least one.
  made.queue_depth =
      options.queue_depth == 0 ? 0 : std::max<std::size_t>(1, options.queue_depth / shard.count);
  made.eviction_timeout = in_ms(options.room_timeout);
  return made;
}

}  // namespace

Shard::Shard(ShardOptions options, ShardParts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      uri_(parts_.cluster != nullptr ? parts_.cluster->worker_uri()
                                     : fmt::format("inproc:{}", options_.index)) {
  if (options_.count > 1) {
    crossloop_messaging_ = std::make_unique<messaging::CrossLoopMessaging>(local_messaging_, parts_.loop);
  }
  if (options_.serve.roles.worker) {
    make_worker();
  }
}

Shard::~Shard() = default;

void Shard::make_worker() {
  instances_ = std::make_unique<worker::SandboxedInstanceFactory>(
      parts_.loop, parts_.loop, *parts_.host, *parts_.code_source, instance_options(options_));
  worker_ = std::make_unique<worker::Worker>(worker_options(options_, uri_), *instances_, messaging(),
                                             parts_.loop, random_);
  local_messaging_.subscribe(*worker_);
}

messaging::Messaging& Shard::messaging() {
  if (parts_.cluster != nullptr) {
    return parts_.cluster->messaging();
  }
  if (crossloop_messaging_) {
    return *crossloop_messaging_;
  }
  return local_messaging_;
}

void Shard::connect(const std::vector<std::unique_ptr<Shard>>& all) {
  if (!options_.serve.roles.gateway) {
    return;
  }
  link_ = make_link(all);
  dispatcher_ = std::make_unique<dispatch::Dispatcher>(dispatcher_options(options_), messaging(), *link_,
                                                       parts_.loop, &parts_.limits);
  provisions_ = make_provisions();
  gateway_ = std::make_unique<gateway::Gateway>(
      gateway_options(options_),
      gateway::GatewayParts{parts_.loop, functions_, *dispatcher_, parts_.limits, *parts_.changes,
                            *parts_.versions, *parts_.executions, *parts_.schedules, parts_.code, parts_.pool,
                            [this] { return status(); }, request_ids_, *parts_.fleet, *provisions_});
  server_ = std::make_unique<http::Server>(parts_.loop, options_.serve.http, *gateway_);
}

// With one loop nothing stands between the dispatcher and its worker.
std::unique_ptr<link::Link> Shard::make_link(const std::vector<std::unique_ptr<Shard>>& all) {
  if (parts_.cluster != nullptr) {
    return parts_.cluster->make_link(worker_.get());
  }
  if (!crossloop_messaging_) {
    return std::make_unique<link::InprocLink>(*worker_);
  }
  std::vector<link::LoopExecutor> others;
  std::vector<messaging::CrossLoopMessaging*> messagings;
  // Each begins with its next, so that not all ask the same.
  for (std::size_t i = 1; i < all.size(); ++i) {
    Shard& other = *all[(options_.index + i) % all.size()];
    others.push_back({other.uri_, &other.parts_.loop, other.worker_.get()});
    messagings.push_back(other.crossloop_messaging_.get());
  }
  crossloop_messaging_->connect(static_cast<std::uint32_t>(options_.index), *worker_, std::move(messagings));
  worker_->on_short_of_memory(
      [this](std::uint32_t memory_mb) { crossloop_messaging_->fetch_memory(memory_mb); });
  return std::make_unique<link::CrossLoopLink>(link::LoopExecutor{uri_, &parts_.loop, worker_.get()},
                                               std::move(others));
}

void Shard::introduce(const std::vector<std::unique_ptr<Shard>>& all) {
  if (!gateway_) {
    return;
  }
  std::vector<gateway::Gateway*> others;
  for (const auto& shard : all) {
    if (shard.get() != this) {
      others.push_back(shard->gateway_.get());
    }
  }
  gateway_->connect(std::move(others), options_.index);
}

std::unique_ptr<gateway::Provisions> Shard::make_provisions() {
  if (parts_.cluster != nullptr) {
    return parts_.cluster->make_provisions(functions_, [this] { return gateway_->may_serve(); });
  }
  return std::make_unique<WorkerProvisions>(
      *worker_, gateway::ProvisionPart{static_cast<std::uint32_t>(options_.index),
                                       static_cast<std::uint32_t>(options_.count)});
}

void Shard::open() {
  if (worker_) {
    worker_->open();
  }
  for (const auto& function : provisions_ ? functions_.list() : std::vector<model::FunctionPtr>()) {
    provisions_->changed(*function);
  }
}

// Who is connected may call once more, and is told then that the connection ends.
void Shard::drain_callers(std::function<void()> drained) {
  gateway_->drain();
  const auto grace = in_ms(options_.serve.drain_grace);
  server_->drain(
      [this, drained = std::move(drained)] {
        dispatcher_->drain();  // gives its leases back
        drained();
      },
      grace);
}

void Shard::drain_worker(const std::function<void()>& one_drained) {
  http::Server* const api = parts_.cluster != nullptr ? parts_.cluster->worker_server() : nullptr;
  // Gateways hear that this worker takes no more until the last of its instances has gone.
  worker_->drain([api, one_drained] {
    if (api != nullptr) {
      api->drain(one_drained);
    }
    one_drained();
  });
}

std::size_t Shard::worker_parts() const {
  const bool api = parts_.cluster != nullptr && parts_.cluster->worker_server() != nullptr;
  return (worker_ ? 1U : 0U) + (api ? 1U : 0U);
}

void Shard::stop_servers() {
  if (server_) {
    server_->stop();
  }
  if (parts_.cluster != nullptr && parts_.cluster->worker_server() != nullptr) {
    parts_.cluster->worker_server()->stop();
  }
}

void Shard::stop_instances() {
  if (worker_) {
    worker_->stop_now();
  }
}

// Memory that is set aside as a cold allocation is given to nobody yet. A lease is of work that has just
// ended, and of more that is likely to come.
ShardLoad Shard::load() {
  ShardLoad made;
  if (gateway_) {
    made.load.gateway = gateway_->load();
  }
  if (!worker_) {
    return made;
  }
  worker::WorkerSnapshot snapshot = worker_->snapshot();
  using worker::ReservationState;
  const auto mb = [&snapshot](ReservationState state) { return snapshot.reserved_mb[state]; };
  model::WorkerLoad& load = made.load.worker.emplace();
  load.memory_total_mb = snapshot.total_mb;
  load.memory_free_mb = snapshot.free_mb + mb(ReservationState::kCold);
  load.memory_busy_mb =
      mb(ReservationState::kStarting) + mb(ReservationState::kLeased) + mb(ReservationState::kRunning);
  load.cold_allocations = snapshot.reservations[ReservationState::kCold];
  for (const auto& [state, count] : snapshot.reservations) {
    if (state != ReservationState::kCold) {
      load.instances[std::string(to_string(state))] = count;
    }
  }
  made.versions = std::move(snapshot.versions);
  return made;
}

gateway::PlatformStatus Shard::status() const {
  const worker::WorkerSnapshot snapshot = worker_ ? worker_->snapshot() : worker::WorkerSnapshot();
  gateway::PlatformStatus status;
  status.memory_total_mb = options_.memory_mb;  // of all loops the same, wherever it moves
  status.memory_free_mb = snapshot.free_mb;
  status.memory_promised_mb = snapshot.promised_mb;
  for (const auto& [state, count] : snapshot.reservations) {
    status.instances[std::string(to_string(state))] = count;
  }
  for (const auto& [state, mb] : snapshot.reserved_mb) {
    status.reserved_mb[std::string(to_string(state))] = mb;
  }
  status.instances_started = snapshot.instances_started;
  status.instances_prestarted = snapshot.instances_prestarted;
  status.instances_prewarmed = snapshot.instances_prewarmed;
  status.instances_expired = snapshot.instances_expired;
  status.instances_evicted = snapshot.instances_evicted;
  status.provisioned = provisions_->in_all();
  if (instances_) {
    status.compile_caches_given = instances_->compile_counts().given;
    status.compile_caches_kept = instances_->compile_counts().kept;
  }
  status.calls_waiting = dispatcher_->calls_waiting();
  status.calls_running = dispatcher_->calls_running();
  status.connections = server_->connection_count();
  status.messages = parts_.loop.messages();
  if (parts_.executions_status) {
    status.executions = parts_.executions_status();
  }
  return status;
}

}  // namespace hearth
