#include "apps/hearth/cluster.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/ids.h"

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

void Cluster::ask_to_leave(const std::string& worker_uri,
                           const std::function<void(base::Result<void>)>& done) {
  link_->drain(worker_uri, done);
}

base::Result<void> Cluster::offer(worker::Worker& worker, std::function<void()> drain) {
  messaging_.subscribe(worker);
  worker_api_ = std::make_unique<worker::WorkerApi>(
      worker::WorkerApiOptions{worker_uri(), key_, options_.invocation.body_bytes}, worker, parts_.loop,
      parts_.random, worker::WorkerApiActions{std::move(drain), [&worker] { return health_of(worker); }});
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
