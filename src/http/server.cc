#include "http/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include "base/log.h"
#include "http/connection.h"
#include "http/listener.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

// Connections over the bound that are told so at once; beyond them they are closed without a word.
constexpr std::size_t kTurnedAwayConnections = 64;
constexpr milliseconds kAcceptBackOff{100};
// All deadlines are looked at together, so that no request arms or cancels a timer.
constexpr milliseconds kSweepInterval{250};
constexpr milliseconds kSweepIntervalLeast{10};

milliseconds sweep_interval(const ServerLimits& limits) {
  const milliseconds shortest =
      std::min({limits.header_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 4, kSweepIntervalLeast, kSweepInterval);
}

}  // namespace

class Server::Impl final : public ConnectionHost, public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& context, ServerLimits limits, Handler& handler)
      : context_(context),
        limits_(limits),
        handler_(handler),
        acceptor_(context),
        accept_timer_(context),
        sweep_timer_(context) {}

  base::Result<void> adopt(base::UniqueFd listening);
  std::uint16_t port() const { return port_; }
  void accept();
  void drain(std::function<void()> done);
  void stop();
  std::size_t connection_count() const { return connections_.size(); }

  // ConnectionHost
  const ServerLimits& limits() const override { return limits_; }
  Handler& handler() override { return handler_; }
  std::string_view date_line() override { return date_line_.at(std::time(nullptr)); }
  bool draining() const override { return draining_; }
  void closed(Connection& connection) override;

 private:
  void on_accept(const error_code& error, tcp::socket socket);
  void admit(tcp::socket socket);
  void arm_sweep();
  void sweep();
  void finish_drain();

  asio::io_context& context_;
  const ServerLimits limits_;
  Handler& handler_;
  tcp::acceptor acceptor_;
  asio::steady_timer accept_timer_;
  asio::steady_timer sweep_timer_;
  bool sweeping_ = false;
  bool accept_failing_ = false;
  bool draining_ = false;
  std::uint16_t port_ = 0;
  DateLine date_line_;
  std::vector<std::shared_ptr<Connection>> connections_;  // each at its `slot`
  std::function<void()> drained_;
};

base::Result<void> Server::Impl::adopt(base::UniqueFd listening) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return base::io_error("cannot serve on this socket", errno);
  }
  error_code error;
  const auto protocol = address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
  acceptor_.assign(protocol, listening.get(), error);
  if (error) {
    return base::Error{base::ErrorCode::kIo, "cannot serve on this socket: " + error.message()};
  }
  listening.release();
  port_ = acceptor_.local_endpoint(error).port();
  return {};
}

void Server::Impl::accept() {
  acceptor_.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    self->on_accept(error, std::move(socket));
  });
}

void Server::Impl::on_accept(const error_code& error, tcp::socket socket) {
  if (!acceptor_.is_open()) {
    return;
  }
  // A peer that left the backlog is no fault of ours; without descriptors a retry at once would spin.
  if (error && error != asio::error::connection_aborted) {
    if (!std::exchange(accept_failing_, true)) {
      spdlog::error("http: cannot accept connections: {}; trying again every {} ms", error.message(),
                    kAcceptBackOff.count());
    }
    accept_timer_.expires_after(kAcceptBackOff);
    accept_timer_.async_wait([self = shared_from_this()](const error_code& wait_error) {
      if (!wait_error && self->acceptor_.is_open()) {
        self->accept();
      }
    });
    return;
  }
  if (!error) {
    if (std::exchange(accept_failing_, false)) {
      spdlog::info("http: connections are accepted again");
    }
    admit(std::move(socket));
  }
  if (acceptor_.is_open()) {  // the handler may have stopped the server
    accept();
  }
}

void Server::Impl::admit(tcp::socket socket) {
  if (connections_.size() >= limits_.connections + kTurnedAwayConnections) {
    return;
  }
  error_code error;
  socket.non_blocking(true, error);
  if (!error) {
    socket.set_option(tcp::no_delay(true), error);
  }
  if (error) {  // the peer has gone already
    return;
  }
  const auto connection = std::make_shared<Connection>(std::move(socket), shared_from_this());
  connection->slot = connections_.size();
  connections_.push_back(connection);
  arm_sweep();
  if (connections_.size() > limits_.connections) {
    connection->turn_away(
        503, "too_many_connections",
        "the server holds its " + std::to_string(limits_.connections) + " connections already");
  } else {
    connection->start();
  }
}

void Server::Impl::arm_sweep() {
  if (sweeping_) {
    return;
  }
  sweeping_ = true;
  sweep_timer_.expires_after(sweep_interval(limits_));
  sweep_timer_.async_wait([self = shared_from_this()](const error_code&) {
    self->sweeping_ = false;
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

void Server::Impl::closed(Connection& connection) {
  const std::size_t slot = connection.slot;
  connections_[slot].swap(connections_.back());
  connections_[slot]->slot = slot;
  const std::shared_ptr<Connection> last = std::move(connections_.back());  // `connection` outlives this call
  connections_.pop_back();
  if (connections_.empty()) {
    sweep_timer_.cancel();
    finish_drain();
  }
}

void Server::Impl::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  const auto connections = connections_;  // draining closes some
  for (const auto& connection : connections) {
    connection->drain();
  }
  if (connections_.empty()) {
    finish_drain();
  }
}

void Server::Impl::finish_drain() {
  if (drained_) {
    asio::post(context_, std::exchange(drained_, nullptr));
  }
}

void Server::Impl::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  while (!connections_.empty()) {
    const std::shared_ptr<Connection> last = connections_.back();
    last->stop();  // takes itself off
  }
}

Server::Server(asio::io_context& context, ServerLimits limits, Handler& handler)
    : impl_(std::make_shared<Impl>(context, limits, handler)) {}
// Asio's timers and queues may throw for want of memory only: nothing is left to save then.
Server::~Server() { impl_->stop(); }  // NOLINT(bugprone-exception-escape)

base::Result<void> Server::listen(const std::string& host_port) {
  auto listening = open_listener(host_port);
  return listening ? impl_->adopt(std::move(*listening)) : listening.error();
}
base::Result<void> Server::adopt(base::UniqueFd listening) { return impl_->adopt(std::move(listening)); }
std::uint16_t Server::port() const { return impl_->port(); }
void Server::start() { impl_->accept(); }
void Server::drain(std::function<void()> done) { impl_->drain(std::move(done)); }
void Server::stop() { impl_->stop(); }
std::size_t Server::connection_count() const { return impl_->connection_count(); }

}  // namespace hearth::http
