#include "apps/hearth/cluster.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/units.h"
#include "cluster/provisions.h"

namespace hearth {
namespace {

// check() has seen that they are URLs.
std::vector<messaging::RedisUrl> redis_urls(const ServeOptions& options) {
  std::vector<messaging::RedisUrl> urls;
  for (const std::string& url : options.messaging) {
    urls.push_back(*messaging::parse_redis_url(url));
  }
  return urls;
}

std::string health_of(const worker::Worker& worker) {
  const worker::WorkerSnapshot snapshot = worker.snapshot();
  std::string text = fmt::format(
      R"({{"status":"ok","version":"{}","memory":{{"totalMb":{},"freeMb":{},"reservedMb":{}}},"instances":{{)",
      HEARTH_VERSION, snapshot.total_mb, snapshot.free_mb, snapshot.total_mb - snapshot.free_mb);
  for (const auto& [state, count] : snapshot.reservations) {
    text += text.back() == '{' ? "" : ",";
    text += fmt::format(R"("{}":{})", to_string(state), count);
  }
  return text + fmt::format(R"(}},"executions":{},"ledgerExact":{}}})", snapshot.executions,
                            worker.ledger_is_exact());
}

// So many bytes of them in one request, about.
constexpr std::size_t kToldAtOnceBytes = base::kMiB;

// A worker that does not answer is told again soon.
void tell_provisions(link::HttpLink& link, const std::string& uri,
                     const std::vector<gateway::WorkerProvision>& provisions,
                     const std::function<void(gateway::FleetProvisionsParts::Ready)>& answered) {
  const auto read = [answered](const base::Result<std::string>& answer) {
    if (auto counts = answer ? cluster::read_ready_counts(*answer) : std::nullopt) {
      answered(std::move(*counts));
    }
  };
  std::string body;
  std::size_t count = 0;
  for (const gateway::WorkerProvision& each : provisions) {
    const model::Function& function = *each.function;
    cluster::add_provision(body, {{model::VersionPtr(each.function, &function.current), function.label()},
                                  function.revision,
                                  each.count});
    if (body.size() >= kToldAtOnceBytes || ++count == cluster::kProvisionsMost) {
      link.provide(uri, std::exchange(body, {}), read);
      count = 0;
    }
  }
  if (!body.empty()) {
    link.provide(uri, std::move(body), read);
  }
}

worker::ProvisionBook::Keeper keeper_of(worker::Worker& worker) {
  return {[&worker](const cluster::ToldProvision& provision) {
            worker.provide({provision.told.version, provision.told.function_name, provision.count});
          },
          [&worker](const model::FunctionId& function) { return worker.provisioned_ready(function); }};
}

}  // namespace

Cluster::Cluster(const ServeOptions& options, ClusterParts parts)
    : options_(options),
      parts_(std::move(parts)),
      name_(base::make_guid(parts_.random)),
      key_(cluster::cluster_key(parts_.key)),
      messaging_({redis_urls(options), name_}, parts_.loop, parts_.pool, parts_.random),
      directory_({redis_urls(options), options.worker_timeout}, parts_.loop, parts_.pool) {}

Cluster::~Cluster() = default;

std::unique_ptr<link::Link> Cluster::make_link(model::Executor* own) {
  auto link = std::make_unique<link::HttpLink>(
      link::LinkParts{parts_.loop, parts_.pool, parts_.random, {name_, key_}, options_.link_tls},
      worker_uri(), own);
  link_ = link.get();
  return link;
}

std::unique_ptr<gateway::Provisions> Cluster::make_provisions(const dispatch::FunctionCache& functions,
                                                              std::function<bool()> knows_newest) {
  auto made = std::make_unique<gateway::FleetProvisions>(gateway::FleetProvisionsParts{
      parts_.loop, functions, std::move(knows_newest),
      [this](const std::string& uri, const std::vector<gateway::WorkerProvision>& provisions,
             const std::function<void(gateway::FleetProvisionsParts::Ready)>& answered) {
        tell_provisions(*link_, uri, provisions, answered);
      }});
  provisions_ = made.get();
  return made;
}

void Cluster::looked(const std::vector<model::Member>& members) {
  if (provisions_ != nullptr) {
    provisions_->looked(members);
  }
}

void Cluster::ask_to_leave(const std::string& worker_uri,
                           const std::function<void(base::Result<void>)>& done) {
  link_->drain(worker_uri, done);
}

base::Result<void> Cluster::offer(worker::Worker& worker, std::function<void()> drain) {
  messaging_.subscribe(worker);
  provision_book_ = std::make_unique<worker::ProvisionBook>(keeper_of(worker), parts_.loop);
  worker_api_ = std::make_unique<worker::WorkerApi>(
      worker::WorkerApiOptions{worker_uri(), key_, options_.invocation.body_bytes}, worker, parts_.loop,
      parts_.random,
      worker::WorkerApiActions{std::move(drain), [&worker] { return health_of(worker); },
                               [this](const std::vector<cluster::ToldProvision>& provisions) {
                                 return provision_book_->told(provisions);
                               }});
  worker_server_ = std::make_unique<http::Server>(parts_.loop, options_.http, *worker_api_);
  if (options_.link_tls) {
    auto tls = http::TlsContext::of_server();
    if (!tls) {
      return tls.error();
    }
    worker_server_->use_tls(std::move(*tls));
  }
  return worker_server_->adopt(std::move(parts_.worker_listening));
}

void Cluster::open() {
  if (options_.roles.gateway || options_.roles.worker) {
    messaging_.open();
  }
  if (worker_server_) {
    worker_server_->start();
  }
}

}  // namespace hearth
