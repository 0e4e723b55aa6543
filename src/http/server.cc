#include "http/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/reactor.h"
#include "http/connection.h"
#include "http/listener.h"

namespace hearth::http {
namespace {

using std::chrono::milliseconds;

// Connections over the bound that are told so at once; beyond them they are closed without a word.
constexpr std::size_t kTurnedAwayConnections = 64;
constexpr milliseconds kAcceptBackOff{100};
// Of peers that do not come as far as TLS one is told in so long: any stranger can be one.
constexpr std::chrono::seconds kNotSecuredInterval{10};
// Connections accepted in one turn of the loop.
constexpr int kAcceptsPerTurn = 64;
// All deadlines are looked at together, so that no request arms or cancels a timer.
constexpr milliseconds kSweepInterval{250};
constexpr milliseconds kSweepIntervalLeast{10};

milliseconds sweep_interval(const ServerLimits& limits) {
  const milliseconds shortest =
      std::min({limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 4, kSweepIntervalLeast, kSweepInterval);
}

std::string peer_of(int socket) {
  const std::string peer = ends_of(socket).there;
  return peer.empty() ? "somebody" : peer;
}

}  // namespace

class Server::Impl final : public ConnectionHost, public std::enable_shared_from_this<Impl> {
 public:
  Impl(base::Reactor& reactor, ServerLimits limits, Handler& handler)
      : reactor_(reactor), limits_(limits), handler_(handler) {}

  base::Result<void> adopt(base::UniqueFd listening);
  void use_tls(TlsContextPtr tls) { tls_ = std::move(tls); }
  std::uint16_t port() const { return port_; }
  void start();
  void drain(std::function<void()> done, std::chrono::milliseconds grace);
  void stop_listening();
  void close_listener();
  void stop();
  void deal_to(std::shared_ptr<Impl> other) { others_.push_back(std::move(other)); }
  std::size_t connection_count() const { return open_.load(std::memory_order_relaxed); }

  // ConnectionHost
  const ServerLimits& limits() const override { return limits_; }
  Handler& handler() override { return handler_; }
  std::string_view date_line() override { return date_line_.at(std::time(nullptr)); }
  bool draining() const override { return draining_; }
  void hold() override;
  void not_secured(int socket, std::string_view why) override;
  void closed(Connection& connection) override;

 private:
  void accept_all();
  void accept_failed(int error);
  void deal(base::UniqueFd socket);
  void admit(base::UniqueFd socket, bool turn_away);
  void push_held();
  void arm_sweep();
  void sweep();
  void close_idle();
  void finish_drain();

  base::Reactor& reactor_;
  const ServerLimits limits_;
  Handler& handler_;
  base::UniqueFd listener_;
  base::Reactor::Watch watch_;
  base::TimerId accept_timer_ = 0;
  base::TimerId sweep_timer_ = 0;
  base::TimerId hold_timer_ = 0;
  TlsContextPtr tls_;         // null: plain
  TimePoint silent_until_{};  // of who was not secured
  bool accept_failing_ = false;
  bool draining_ = false;
  std::uint16_t port_ = 0;
  DateLine date_line_;
  std::vector<std::shared_ptr<Connection>> connections_;  // each at its `slot`
  std::atomic<std::size_t> open_ = 0;                     // those and what has been dealt to us; any thread
  std::vector<std::shared_ptr<Impl>> others_;             // of other loops, to deal connections to
  std::function<void()> drained_;
};

base::Result<void> Server::Impl::adopt(base::UniqueFd listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return base::io_error("cannot serve on this socket", errno);
  }
  if (::fcntl(listening.get(), F_SETFL, O_NONBLOCK) != 0) {
    return base::io_error("cannot serve on this socket", errno);
  }
  port_ = ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(address).sin_port);
  listener_ = std::move(listening);
  return {};
}

void Server::Impl::start() {
  watch_ =
      reactor_.watch(listener_.get(), [self = shared_from_this()](base::Readiness) { self->accept_all(); });
}

void Server::Impl::accept_all() {
  for (int accepted = 0; listener_.valid(); ++accepted) {  // the handler may stop the server
    if (accepted == kAcceptsPerTurn) {
      reactor_.post([self = shared_from_this()] { self->accept_all(); });
      return;
    }
    base::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) {
      if (std::exchange(accept_failing_, false)) {
        spdlog::info("http: connections are accepted again");
      }
      deal(std::move(socket));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != ECONNABORTED && errno != EINTR) {  // a peer that left the backlog is no fault of ours
      accept_failed(errno);
      return;
    }
  }
}

// Without descriptors a retry at once would spin.
void Server::Impl::accept_failed(int error) {
  if (!std::exchange(accept_failing_, true)) {
    spdlog::error("http: cannot accept connections: {}; trying again every {} ms", std::strerror(error),
                  kAcceptBackOff.count());
  }
  accept_timer_ =
      reactor_.at(reactor_.now() + kAcceptBackOff, [self = shared_from_this()] { self->accept_all(); });
}

// Which loop has a connection is decided here, once.
void Server::Impl::deal(base::UniqueFd socket) {
  std::size_t all = connection_count();
  Impl* least = this;
  for (const auto& other : others_) {
    const std::size_t count = other->connection_count();
    all += count;
    least = count < least->connection_count() ? other.get() : least;
  }
  if (all >= limits_.connections + kTurnedAwayConnections) {
    return;
  }
  const int on = 1;
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) !=
      0) {  // the peer has gone already
    return;
  }
  if (all >= limits_.connections) {
    ++open_;
    admit(std::move(socket), /*turn_away=*/true);
    return;
  }
  ++least->open_;
  if (least == this) {
    admit(std::move(socket), /*turn_away=*/false);
    return;
  }
  // Shared, because what is posted can be copied.
  auto dealt = std::make_shared<base::UniqueFd>(std::move(socket));
  least->reactor_.post(
      [to = least->shared_from_this(), dealt] { to->admit(std::move(*dealt), /*turn_away=*/false); });
}

void Server::Impl::admit(base::UniqueFd socket, bool turn_away) {
  const auto connection =
      std::make_shared<Connection>(reactor_, PeerSocket(std::move(socket), tls_), shared_from_this());
  connection->slot = connections_.size();
  connections_.push_back(connection);
  arm_sweep();
  if (turn_away) {
    connection->turn_away(
        503, "too_many_connections",
        "the server holds its " + std::to_string(limits_.connections) + " connections already");
  } else {
    connection->start();
  }
}

// Whoever waits in the backlog has connected, and would be reset.
void Server::Impl::stop_listening() {
  accept_all();
  close_listener();
}

void Server::Impl::close_listener() {
  watch_.stop();
  listener_.reset();
  reactor_.cancel(std::exchange(accept_timer_, 0));
}

void Server::Impl::arm_sweep() {
  if (sweep_timer_ != 0) {
    return;
  }
  sweep_timer_ = reactor_.at(reactor_.now() + sweep_interval(limits_), [self = shared_from_this()] {
    self->sweep_timer_ = 0;
    self->sweep();
  });
}

void Server::Impl::sweep() {
  const TimePoint now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<Connection>> expired;
  for (const auto& connection : connections_) {
    if (connection->deadline() <= now) {
      expired.push_back(connection);
    }
  }
  for (const auto& connection : expired) {
    connection->expire();
  }
  if (!connections_.empty()) {
    arm_sweep();
  }
}

void Server::Impl::hold() {
  if (hold_timer_ == 0) {
    hold_timer_ = reactor_.at(reactor_.now() + kHoldTick, [self = shared_from_this()] {
      self->hold_timer_ = 0;
      self->push_held();
    });
  }
}

void Server::Impl::not_secured(int socket, std::string_view why) {
  if (reactor_.now() < silent_until_) {
    return;
  }
  silent_until_ = reactor_.now() + kNotSecuredInterval;
  spdlog::warn("http: {} does not speak TLS as port {} does, and was closed: {}", peer_of(socket), port_,
               why);
}

void Server::Impl::push_held() {
  bool more = false;
  for (const auto& connection : connections_) {
    more = connection->push_held() || more;
  }
  if (more) {
    hold();
  }
}

void Server::Impl::closed(Connection& connection) {
  const std::size_t slot = connection.slot;
  connections_[slot].swap(connections_.back());
  connections_[slot]->slot = slot;
  const std::shared_ptr<Connection> last = std::move(connections_.back());  // `connection` outlives this call
  connections_.pop_back();
  --open_;
  if (connections_.empty()) {
    reactor_.cancel(std::exchange(sweep_timer_, 0));
    reactor_.cancel(std::exchange(hold_timer_, 0));
    finish_drain();
  }
}

void Server::Impl::drain(std::function<void()> done, std::chrono::milliseconds grace) {
  draining_ = true;
  drained_ = std::move(done);
  stop_listening();
  if (connections_.empty()) {
    finish_drain();
  } else if (grace.count() > 0) {
    reactor_.at(reactor_.now() + grace, [self = shared_from_this()] { self->close_idle(); });
  } else {
    close_idle();
  }
}

void Server::Impl::close_idle() {
  const auto connections = connections_;  // draining closes some
  for (const auto& connection : connections) {
    connection->drain();
  }
}

void Server::Impl::finish_drain() {
  if (drained_) {
    reactor_.post(std::exchange(drained_, nullptr));
  }
}

void Server::Impl::stop() {
  close_listener();
  while (!connections_.empty()) {
    const std::shared_ptr<Connection> last = connections_.back();
    last->stop();  // takes itself off
  }
}

Server::Server(base::Reactor& reactor, ServerLimits limits, Handler& handler)
    : impl_(std::make_shared<Impl>(reactor, limits, handler)) {}
// It may throw for want of memory only: nothing is left to save then.
Server::~Server() { impl_->stop(); }  // NOLINT(bugprone-exception-escape)

base::Result<void> Server::listen(const std::string& host_port) {
  auto listening = open_listener(host_port);
  return listening ? impl_->adopt(std::move(*listening)) : listening.error();
}
base::Result<void> Server::adopt(base::UniqueFd listening) { return impl_->adopt(std::move(listening)); }
void Server::use_tls(TlsContextPtr tls) { impl_->use_tls(std::move(tls)); }
std::uint16_t Server::port() const { return impl_->port(); }
void Server::start() { impl_->start(); }
void Server::deal_to(const std::vector<Server*>& others) {
  for (const Server* other : others) {
    impl_->deal_to(other->impl_);
  }
}
void Server::drain(std::function<void()> done, std::chrono::milliseconds grace) {
  impl_->drain(std::move(done), grace);
}
void Server::stop_listening() { impl_->stop_listening(); }
void Server::stop() { impl_->stop(); }
std::size_t Server::connection_count() const { return impl_->connection_count(); }

}  // namespace hearth::http
