#include "link/http/remote_worker.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "cluster/provisions.h"

namespace hearth::link {
namespace {

// How often calls under way are looked at.
constexpr std::chrono::milliseconds kTick{5};
constexpr std::size_t kOwedMost = 4'096;
constexpr std::size_t kToldMost = 100'000;

}  // namespace

RemoteWorker::RemoteWorker(LinkParts& parts, std::string uri, http::HostPort address, http::TlsContextPtr tls)
    : parts_(parts),
      uri_(std::move(uri)),
      address_(parts.reactor, parts.pool, std::move(address)),
      tls_(std::move(tls)) {}

RemoteWorker::~RemoteWorker() { parts_.reactor.cancel(tick_timer_); }

bool RemoteWorker::unused_for(base::Duration duration) const {
  return connections_.size() == idle_.size() && unconnected_.empty() && gathered_.empty() &&
         last_used_ + duration <= parts_.reactor.now();
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
  const http::Destination to{*address, tls_};
  auto connection =
      std::make_unique<WorkerConnection>(parts_.reactor, parts_.random, parts_.identity, to, events);
  WorkerConnection* const key = connection.get();
  connections_.emplace(key, Held{std::move(connection), std::move(exchange)});
}

void RemoteWorker::ready(WorkerConnection& connection) {
  reached();
  protocol_ = connection.protocol();
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
  exchange.began = parts_.reactor.now();  // who has just answered, on a connection or to a version, is there
  const auto post = [&held](std::string_view target, std::shared_ptr<const std::string> body) {
    held.connection->request(http::Method::kPost, target, std::move(body));
  };
  switch (exchange.kind) {
    case Kind::kTell: {
      const model::ExecuteRequest& request = exchange.calls.front().request;
      held.connection->request(
          http::Method::kPut, std::string(cluster::kVersionsTarget).append(request.version->id),
          std::make_shared<const std::string>(cluster::to_body(*request.version, request.function_name)));
      break;
    }
    case Kind::kExecute:
      post(target_of(exchange.calls.front()), exchange.calls.front().request.body);
      break;
    case Kind::kSeveral:
      post(cluster::kCallsTarget, body_of_several(exchange.calls));
      break;
    case Kind::kRelease:
      post(cluster::kLeasesTarget, exchange.body);
      break;
    case Kind::kTakeBack:
      post(cluster::take_back_target(exchange.allocation), nullptr);
      break;
    case Kind::kDrain:
      post(cluster::kDrainTarget, nullptr);
      break;
    case Kind::kProvide:
      post(cluster::kProvisionsTarget, exchange.body);
      break;
  }
}

void RemoteWorker::processing(WorkerConnection& connection) {
  Held& held = connections_.at(&connection);
  if (held.exchange && (held.exchange->kind == Kind::kExecute || held.exchange->kind == Kind::kSeveral)) {
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
    told_.insert(held.exchange->calls.front().request.version->id);
    held.exchange->kind = Kind::kExecute;
    send(held);
    return;
  }
  Exchange exchange = std::move(*held.exchange);
  held.exchange.reset();
  // Free first: the observer may come with the next call at once.
  free(connection, goes_on);
  if (exchange.kind == Kind::kExecute) {
    executed(std::move(exchange.calls.front()), std::move(answer));
  } else if (exchange.drained && answer.status == 202) {
    exchange.drained({});
  } else if (exchange.provided && answer.status == 200) {
    exchange.provided(std::move(answer.body));
  } else {
    failed(std::move(exchange));
  }
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
  exchange->uncertain = !connection.direct() || error.code == base::ErrorCode::kTimeout ||
                        error.code == base::ErrorCode::kUnavailable;
  failed(std::move(*exchange));
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
    return std::ranges::all_of(exchange.calls, [now](const Call& call) {
      return call.observer == nullptr || call.request.latest < now;
    });
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
