#include "link/http/remote_worker.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace hearth::link {
namespace {

// How often calls under way are looked at.
constexpr std::chrono::milliseconds kTick{5};
constexpr std::size_t kOwedMost = 4'096;
constexpr std::size_t kToldMost = 100'000;

model::Execution worker_lost(const std::string& instance) {
  return {{model::OutcomeKind::kWorkerLost, {}, {}}, instance, {}, {}};
}

}  // namespace

RemoteWorker::RemoteWorker(LinkParts& parts, std::string uri, http::HostPort address)
    : parts_(parts), uri_(std::move(uri)), address_(parts.reactor, parts.pool, std::move(address)) {}

RemoteWorker::~RemoteWorker() { parts_.reactor.cancel(tick_timer_); }

bool RemoteWorker::unused_for(base::Duration duration) const {
  return connections_.size() == idle_.size() && unconnected_.empty() &&
         last_used_ + duration <= parts_.reactor.now();
}

void RemoteWorker::execute(cluster::Ask ask, const model::Allocation& allocation,
                           model::ExecuteRequest request,
                           std::shared_ptr<model::ExecutionObserver> observer) {
  const base::TimePoint now = parts_.reactor.now();
  last_used_ = now;
  const bool full = idle_.empty() && connections_.size() + unconnected_.size() >= kConnectionsMost;
  if (now < paused_until_ || full) {
    if (ask == cluster::Ask::kExecute) {
      owe(allocation);
    }
    observer->refused(model::Refusal::kNoAnswer);
    return;
  }
  if (pause_.count() > 0) {
    paused_until_ = now + kAdmission;
    probing_ = true;
  }
  Exchange exchange;
  exchange.ask = ask;
  exchange.allocation = allocation;
  exchange.patience =
      kAdmission + std::chrono::milliseconds((request.body ? request.body->size() : 0) / kBodyBytesPerMs);
  exchange.kind = told_.contains(request.version->id) ? Kind::kExecute : Kind::kTell;
  exchange.request = std::move(request);
  exchange.observer = std::move(observer);
  begin(std::move(exchange));
}

void RemoteWorker::begin(Exchange exchange) {
  exchange.began = parts_.reactor.now();
  arm_tick();
  if (idle_.empty()) {
    connect(std::move(exchange));
    return;
  }
  Held& held = connections_.at(idle_.back());
  idle_.pop_back();
  held.exchange = std::move(exchange);
  send(held);
}

void RemoteWorker::connect(Exchange exchange) {
  if (const auto address = address_.known()) {
    connect_to(*address, std::move(exchange));
    return;
  }
  unconnected_.push_back(std::move(exchange));
  address_.look_up([this](const base::Result<http::SocketAddress>& address) {
    for (Exchange& each : std::exchange(unconnected_, {})) {
      connect_to(address, std::move(each));
    }
  });
}

void RemoteWorker::connect_to(const base::Result<http::SocketAddress>& address, Exchange exchange) {
  if (!address) {
    not_reached(address.error().message);
    failed(std::move(exchange));
    return;
  }
  WorkerConnectionEvents& events = *this;
  auto connection =
      std::make_unique<WorkerConnection>(parts_.reactor, parts_.random, parts_.identity, *address, events);
  WorkerConnection* const key = connection.get();
  connections_.emplace(key, Held{std::move(connection), std::move(exchange)});
}

void RemoteWorker::ready(WorkerConnection& connection) {
  reached();
  Held& held = connections_.at(&connection);
  if (held.exchange) {
    send(held);
  } else {
    idle_.push_back(&connection);
  }
}

void RemoteWorker::send(Held& held) {
  Exchange& exchange = *held.exchange;
  exchange.sent = true;
  switch (exchange.kind) {
    case Kind::kTell: {
      const model::Version& version = *exchange.request.version;
      held.connection->request(
          http::Method::kPut, std::string(cluster::kVersionsTarget) + version.id,
          std::make_shared<const std::string>(cluster::to_body(version, exchange.request.function_name)));
      break;
    }
    case Kind::kExecute:
      held.connection->request(http::Method::kPost,
                               cluster::execute_target(exchange.ask, exchange.allocation, exchange.request),
                               exchange.request.body);
      break;
    case Kind::kRelease:
      held.connection->request(http::Method::kPost, cluster::kLeasesTarget, exchange.body);
      break;
    case Kind::kTakeBack:
      held.connection->request(http::Method::kPost, cluster::take_back_target(exchange.allocation), nullptr);
      break;
    case Kind::kDrain:
      held.connection->request(http::Method::kPost, cluster::kDrainTarget, nullptr);
      break;
  }
}

void RemoteWorker::processing(WorkerConnection& connection) {
  Held& held = connections_.at(&connection);
  if (held.exchange && held.exchange->kind == Kind::kExecute) {
    held.exchange->admitted = true;
  }
}

void RemoteWorker::answered(WorkerConnection& connection, WorkerAnswer&& answer) {
  Held& held = connections_.at(&connection);
  if (!held.exchange) {
    let_go(connection);
    return;
  }
  reached();
  const bool goes_on = answer.reusable && !held.exchange->half_closed;
  if (held.exchange->kind == Kind::kTell && answer.status == 200 && goes_on) {
    if (told_.size() >= kToldMost) {
      told_.clear();
    }
    told_.insert(held.exchange->request.version->id);
    held.exchange->kind = Kind::kExecute;
    send(held);
    return;
  }
  if (tell_again(*held.exchange, answer, held)) {
    return;
  }
  Exchange exchange = std::move(*held.exchange);
  held.exchange.reset();
  // Free first: the observer may come with the next call at once.
  free(connection, answer.reusable && !exchange.half_closed);
  if (exchange.kind == Kind::kExecute) {
    executed(std::move(exchange), std::move(answer));
  } else if (exchange.drained && answer.status == 202) {
    exchange.drained({});
  } else if (exchange.observer || exchange.drained) {
    failed(std::move(exchange));
  }
}

// It has forgotten the version, or was started anew.
bool RemoteWorker::tell_again(Exchange& exchange, const WorkerAnswer& answer, Held& held) {
  const bool unknown =
      exchange.kind == Kind::kExecute && answer.status == 412 && answer.reusable && !exchange.half_closed;
  if (!unknown || std::exchange(exchange.told_again, true)) {
    return false;
  }
  told_.erase(exchange.request.version->id);
  exchange.kind = Kind::kTell;
  send(held);
  return true;
}

void RemoteWorker::executed(Exchange exchange, WorkerAnswer&& answer) {
  if (answer.status != 200) {
    // Also after an admission: a call that stood behind another may be taken back.
    if (const auto refusal = cluster::read_refusal(answer.meta)) {
      exchange.observer->refused(*refusal);
    } else {
      failed(std::move(exchange));
    }
    return;
  }
  auto read = cluster::read_execution(answer.meta, std::move(answer.body));
  if (!read) {
    spdlog::error("link: {} sent an answer that is none", uri_);
    exchange.observer->done(worker_lost(exchange.allocation.instance), std::nullopt);
    return;
  }
  read->execution.instance = exchange.allocation.instance;
  std::optional<model::Allocation> lease;
  if (read->lease_epoch) {
    lease = exchange.allocation;
    lease->epoch = *read->lease_epoch;
  }
  exchange.observer->done(std::move(read->execution), std::move(lease));
}

void RemoteWorker::free(WorkerConnection& connection, bool reusable) {
  last_used_ = parts_.reactor.now();
  if (reusable) {
    idle_.push_back(&connection);
  } else {
    let_go(connection);
  }
}

// The connection's own event may be on the stack: it goes when that has returned.
std::optional<RemoteWorker::Exchange> RemoteWorker::let_go(WorkerConnection& connection) {
  last_used_ = parts_.reactor.now();
  connection.close();
  std::erase(idle_, &connection);
  auto node = connections_.extract(&connection);
  const std::shared_ptr<WorkerConnection> dying = std::move(node.mapped().connection);
  parts_.reactor.post([dying] {});
  return std::move(node.mapped().exchange);
}

void RemoteWorker::lost(WorkerConnection& connection, const base::Error& error) {
  auto exchange = let_go(connection);
  if (!exchange) {
    return;  // an idle one, closed by the worker
  }
  if (!exchange->sent) {
    not_reached(error.message);
  }
  exchange->uncertain = error.code == base::ErrorCode::kTimeout;
  failed(std::move(*exchange));
}

void RemoteWorker::failed(Exchange exchange) {
  if (exchange.drained) {
    exchange.drained(base::Error{base::ErrorCode::kTimeout, "the worker at " + uri_ + " does not answer"});
    return;
  }
  if (!exchange.observer) {
    return;
  }
  const bool asked = exchange.sent && exchange.kind == Kind::kExecute;
  if (exchange.admitted || (asked && exchange.uncertain)) {
    exchange.observer->done(worker_lost(exchange.allocation.instance), std::nullopt);
    return;
  }
  if (exchange.ask == cluster::Ask::kExecute) {
    owe(exchange.allocation);
  }
  exchange.observer->refused(model::Refusal::kNoAnswer);
}

// Of all that fail together the first counts.
void RemoteWorker::not_reached(const std::string& why) {
  const base::TimePoint now = parts_.reactor.now();
  if (now < paused_until_ && !std::exchange(probing_, false)) {
    return;
  }
  if (pause_.count() == 0) {
    spdlog::warn("link: {} does not answer: {}", uri_, why);
  }
  pause_ = pause_.count() == 0 ? kShortestPause : std::min(2 * pause_, kLongestPause);
  paused_until_ = now + pause_;
  drop_idle();
}

// On a new connection nothing is asked before the worker has answered once.
void RemoteWorker::drop_idle() {
  while (!idle_.empty()) {
    let_go(*idle_.back());
  }
}

void RemoteWorker::reached() {
  paused_until_ = {};
  probing_ = false;
  if (std::exchange(pause_, std::chrono::milliseconds(0)).count() > 0) {
    spdlog::info("link: {} answers again", uri_);
  }
  for (const model::Allocation& allocation : std::exchange(owed_, {})) {
    release(allocation, model::ReleaseKind::kKeep);
  }
}

void RemoteWorker::owe(const model::Allocation& allocation) {
  if (owed_.size() < kOwedMost) {
    owed_.push_back(allocation);
  }
}

void RemoteWorker::arm_tick() {
  if (tick_timer_ == 0) {
    tick_timer_ = parts_.reactor.at(parts_.reactor.now() + kTick, [this] {
      tick_timer_ = 0;
      tick();
    });
  }
}

void RemoteWorker::tick() {
  const base::TimePoint now = parts_.reactor.now();
  std::vector<Exchange> overdue;
  std::vector<WorkerConnection*> given_up;
  for (auto& [connection, held] : connections_) {
    if (held.exchange && look_at(held, now)) {
      given_up.push_back(connection);
    }
  }
  for (WorkerConnection* connection : given_up) {
    const bool arrived = connection->arrived();
    overdue.push_back(*let_go(*connection));
    overdue.back().uncertain = !arrived;
  }
  const auto late = std::stable_partition(
      unconnected_.begin(), unconnected_.end(),
      [now](const Exchange& exchange) { return now - exchange.began + kTick < exchange.patience; });
  std::move(late, unconnected_.end(), std::back_inserter(overdue));
  unconnected_.erase(late, unconnected_.end());
  if (connections_.size() > idle_.size() || !unconnected_.empty()) {
    arm_tick();
  }
  for (Exchange& exchange : overdue) {
    if (!exchange.admitted) {
      not_reached("nothing was admitted in time");
    }
    failed(std::move(exchange));
  }
}

// Whether its time is up.
bool RemoteWorker::look_at(Held& held, base::TimePoint now) {
  Exchange& exchange = *held.exchange;
  const base::Duration waited = now - exchange.began;
  if (exchange.admitted) {
    const std::chrono::milliseconds bound(exchange.request.version->timeout_ms);
    return waited > bound + kAnswerSlack;
  }
  if (!exchange.sent) {
    return waited + kTick >= exchange.patience;
  }
  if (!exchange.half_closed) {
    if (waited >= exchange.patience - (kAdmission - kLastCall)) {
      exchange.half_closed = now;
      held.connection->half_close();
    }
    return false;
  }
  return now - *exchange.half_closed + kTick / 2 >= kLastWord;  // at the tick that is nearest
}

}  // namespace hearth::link
