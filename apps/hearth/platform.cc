#include "apps/hearth/platform.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "apps/hearth/distant_code.h"
#include "apps/hearth/shard_load.h"
#include "base/log.h"

namespace hearth {
namespace {

// Threads for what blocks: SQLite, fsync, unzip. More would only queue at the disk.
constexpr std::size_t kBlockingThreads = 4;
constexpr std::size_t kBlockingQueue = 1'024;

// How long a gateway waits for messaging before it takes calls without.
constexpr std::chrono::seconds kMessagingPatience{2};
constexpr std::chrono::milliseconds kLookForMessaging{10};

gateway::WithoutStore without_store(std::string_view name) {
  using enum gateway::WithoutStore;
  return name == "serve" ? kServe : name == "refuse" ? kRefuse : kAuto;
}

// Empty: it is on other hosts.
std::function<std::optional<std::uint64_t>()> room_of(Stores& stores) {
  return stores.feed() != nullptr ? std::function<std::optional<std::uint64_t>()>()
                                  : [&stores] { return stores.room_bytes(); };
}

}  // namespace

Platform::Platform(const ServeOptions& options, PlatformStart start, store::sqlite::DataDirectory& directory)
    : options_(options), directory_(directory), start_(std::move(start)) {
  for (std::size_t i = 0; i < options_.threads; ++i) {
    loops_.push_back(std::make_unique<base::Reactor>(spin_options(i)));
  }
}

Platform::~Platform() {
  for (const auto& shard : shards_) {
    shard->stop_servers();
  }
  follower_.reset();
  // Jobs of the pool use the parts: they end first. Then what was posted and never ran, which may hold a
  // part's callback and post it to where it belongs.
  pool_.reset();
  const auto discard = [](const auto& loop) { return loop->discard_posted() > 0; };
  while (std::count_if(loops_.begin(), loops_.end(), discard) > 0) {
  }
}

// Only for one or two callers: then one core is left to them and the instance that is waited for. With more,
// a loop that does not sleep would take the core that they need. So would as many loops as cores.
base::SpinOptions Platform::spin_options(std::size_t shard) {
  const bool core_to_spare = options_.threads == 1 || options_.threads < std::thread::hardware_concurrency();
  return {core_to_spare ? options_.spin : std::chrono::microseconds(0), [this, shard] {
            const gateway::Gateway* const gateway = shards_[shard]->gateway();
            return gateway != nullptr && gateway->calls_one_by_one();
          }};
}

base::Result<void> Platform::open() {
  if (auto watched = watch_signals(); !watched) {
    return watched.error();
  }
  auto stores = open_stores(options_, directory_, random_);
  if (!stores) {
    return stores.error();
  }
  stores_ = std::move(*stores);
  make_parts();
  Shard& first = *shards_.front();
  if (executions_) {
    if (auto opened = executions_->open(); !opened) {
      return opened.error();
    }
  }
  if (first.gateway() != nullptr) {
    if (auto filled = fill_mirrors(); !filled) {
      return filled.error();
    }
    if (auto listening = first.server()->adopt(std::move(start_.listening)); !listening) {
      return listening.error();
    }
  }
  if (monitor_) {
    return monitor_->adopt(std::move(start_.listening));
  }
  if (code_cache_) {
    if (auto opened = code_cache_->open(); !opened) {
      return opened.error();
    }
  }
  if (cluster_ && first.worker() != nullptr) {
    return cluster_->offer(*first.worker(), [this] { on_drain_asked(); });
  }
  return {};
}

std::uint16_t Platform::port() const {
  if (monitor_) {
    return monitor_->port();
  }
  http::Server* const api = shards_.front()->server();
  return api != nullptr ? api->port() : cluster_->worker_server()->port();
}

// Each loop has copies of its own: calls on two loops do not count references to the same.
base::Result<void> Platform::fill_mirrors() {
  gateway::FeedStart known;
  if (stores_->feed() != nullptr) {
    auto joined = gateway::ChangeFollower::join(*stores_->feed(), stores_->functions());
    if (!joined) {
      return joined.error();
    }
    known = std::move(*joined);
    follower_ = std::make_unique<gateway::ChangeFollower>(*stores_->feed(), stores_->functions(), mirrors(),
                                                          without_store(options_.without_store));
    follower_->start(known);
  } else {
    auto listed = stores_->functions().list();
    if (!listed) {
      return listed.error();
    }
    known.functions = std::move(*listed);
  }
  for (const auto& shard : shards_) {
    for (const auto& function : known.functions) {
      shard->functions().put(std::make_shared<const model::Function>(function));
    }
  }
  for (const auto& function : known.functions) {
    limits_.set(function);
  }
  return {};
}

std::vector<gateway::LoopMirror> Platform::mirrors() const {
  std::vector<gateway::LoopMirror> mirrors;
  for (const auto& shard : shards_) {
    mirrors.push_back({&shard->loop(), shard->gateway()});
  }
  return mirrors;
}

void Platform::make_parts() {
  pool_ = std::make_unique<base::BlockingPool>(kBlockingThreads, kBlockingQueue);
  if (!options_.messaging.empty()) {
    cluster_ = std::make_unique<Cluster>(
        options_,
        ClusterParts{first_loop(), *pool_, random_, start_.cluster_key, std::move(start_.worker_listening)});
  }
  make_members();
  if (options_.roles.worker) {
    make_worker_parts();
  }
  if (options_.roles.gateway) {
    changes_ = std::make_unique<gateway::FunctionsApi>(
        gateway::FunctionsApiParts{stores_->functions(), stores_->code(), *pool_, first_loop(), random_,
                                   stores_->feed()},
        options_.upload, function_limits());
    executions_ = std::make_unique<ExecutionsRole>(
        options_,
        ExecutionsRoleParts{stores_->executions(), stores_->schedules(), stores_->functions(), zones_, *pool_,
                            first_loop(), stores_->feed() != nullptr, room_of(*stores_)});
  }
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    shards_.push_back(make_shard(i));
  }
  for (const auto& shard : shards_) {
    shard->connect(shards_);
  }
  if (options_.roles.gateway) {
    make_gateway_parts();
  }
}

// Of several hosts, whether a worker has it is the worker's to say.
model::FunctionLimits Platform::function_limits() const {
  model::FunctionLimits limits = options_.function;
  limits.python = cluster_ != nullptr || !start_.programs.python.python.empty();
  return limits;
}

void Platform::make_members() {
  MembersParts parts{first_loop(), random_, cluster_.get(), {}, {}, {}, {}};
  parts.load = [this](std::function<void(membership::Load)> done) {
    gather_load(first_loop(), shards_, std::move(done));
  };
  parts.leave = [this] { on_drain_asked(); };
  if (options_.roles.worker) {
    parts.announce_again = [this] { shards_.front()->worker()->on_announce_again(); };
  }
  parts.looked = [this](const std::vector<model::Member>& members) { looked(members); };
  members_ = std::make_unique<Members>(options_, std::move(parts));
  share_.emplace(members_->id(), 2 * membership::heartbeat_interval(options_.worker_timeout));
  if (options_.roles.monitor) {
    monitor_ = std::make_unique<MonitorRole>(
        options_, MonitorRoleParts{first_loop(), *pool_, *stores_, *members_, start_.api_key});
  }
}

void Platform::looked(const std::vector<model::Member>& members) {
  if (monitor_) {
    monitor_->looked(members);
  }
  if (cluster_ && options_.roles.gateway) {
    cluster_->looked(members);
  }
  if (options_.roles.gateway) {
    limits_.set_share(share_->look(members, first_loop().now()), dispatch::worker_memory_mb(members));
  }
}

void Platform::make_worker_parts() {
  launcher_ = std::make_unique<launcher::Client>(first_loop(), std::move(start_.launcher_socket),
                                                 [this](const base::Error& error) { launcher_lost(error); });
  shared_host_ = std::make_unique<launcher::SharedHost>(first_loop(), *launcher_);
  const archive::Limits unzip{options_.upload.unzipped_bytes, options_.upload.zip_entries,
                              options_.upload.path_bytes, options_.upload.path_depth};
  code_cache_ = std::make_unique<worker::CodeCache>(
      worker::CodeCacheOptions{directory_.cache_folder(), unzip, options_.code_cache_bytes,
                               options_.compile_cache_bytes, options_.compile_cache_memory},
      stores_->code(), *pool_, first_loop());
}

void Platform::make_gateway_parts() {
  std::vector<http::Server*> servers;
  for (const auto& shard : shards_) {
    servers.push_back(shard->server());
    shard->introduce(shards_);
  }
  changes_->publish_to(mirrors());
  if (executions_) {
    executions_->execute_on(*shards_.front());
  }
  servers.erase(servers.begin());
  shards_.front()->server()->deal_to(servers);
}

std::unique_ptr<Shard> Platform::make_shard(std::size_t index) {
  base::Reactor& loop = *loops_[index];
  const auto count = static_cast<std::uint32_t>(loops_.size());
  const std::uint32_t left_over = index == 0 ? start_.memory_mb % count : 0;
  return std::make_unique<Shard>(
      ShardOptions{options_, index, count, start_.memory_mb / count + left_over, start_.programs,
                   start_.api_key},
      ShardParts{loop, shared_host_ ? shared_host_->view(loop) : nullptr, code_source_for(loop),
                 changes_for(index), versions_for(loop), executions_for(loop), schedules_for(loop),
                 executions_status(index), limits_, stores_->code(), *pool_, cluster_.get(),
                 std::make_unique<membership::DistantFleet>(first_loop(), members_->fleet(), loop)});
}

std::unique_ptr<worker::CodeSource> Platform::code_source_for(base::Reactor& loop) {
  return code_cache_ ? std::make_unique<DistantCode>(first_loop(), *code_cache_, loop) : nullptr;
}

std::unique_ptr<gateway::FunctionVersions> Platform::versions_for(base::Reactor& loop) {
  return changes_ ? std::make_unique<gateway::FunctionVersions>(stores_->functions(), *pool_, loop) : nullptr;
}

std::unique_ptr<gateway::Executions> Platform::executions_for(base::Reactor& loop) {
  return executions_
             ? std::make_unique<gateway::DistantExecutions>(first_loop(), executions_->executions(), loop)
             : nullptr;
}

std::unique_ptr<gateway::Schedules> Platform::schedules_for(base::Reactor& loop) {
  if (!executions_) {
    return nullptr;
  }
  return std::make_unique<gateway::Schedules>(
      gateway::SchedulesParts{stores_->schedules(), zones_, *pool_, loop, random_,
                              [this] { first_loop().post([this] { executions_->wake_schedules(); }); }});
}

std::function<gateway::ExecutionsStatus()> Platform::executions_status(std::size_t shard) {
  return executions_ && shard == 0 ? [this] { return executions_->status(); }
                                   : std::function<gateway::ExecutionsStatus()>();
}

std::unique_ptr<gateway::FunctionChanges> Platform::changes_for(std::size_t shard) {
  if (!changes_) {
    return nullptr;
  }
  return std::make_unique<gateway::DistantFunctionChanges>(first_loop(), *changes_, *loops_[shard]);
}

int Platform::run() {
  if (cluster_) {
    cluster_->open();
  }
  members_->open();
  if (monitor_) {
    monitor_->start();
  }
  for (const auto& shard : shards_) {
    shard->open();
  }
  if (shards_.front()->server() != nullptr) {
    start_api(first_loop().now() + kMessagingPatience);
  }
  if (executions_) {
    executions_->start();
  }
  std::vector<std::thread> threads;
  for (auto loop = loops_.begin() + 1; loop != loops_.end(); ++loop) {
    threads.emplace_back([&each = **loop] { each.run(); });
  }
  first_loop().run();
  for (auto loop = loops_.begin() + 1; loop != loops_.end(); ++loop) {
    (*loop)->stop();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return exit_status_;
}

// The first calls need messaging: until it is there, for a while, they wait to be accepted.
void Platform::start_api(base::TimePoint latest) {
  const base::TimePoint now = first_loop().now();
  if (stopping_) {
    return;
  }
  if (!cluster_ || cluster_->messaging().servers_up() > 0 || now >= latest) {
    shards_.front()->server()->start();
    return;
  }
  first_loop().at(now + kLookForMessaging, [this, latest] { start_api(latest); });
}

}  // namespace hearth
