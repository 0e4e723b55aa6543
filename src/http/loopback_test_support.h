// For this folder's tests: a server on a thread of its own, a handler made of functions, and a client
// that sends raw bytes. Every wait ends after ten seconds at most, so that a failing test fails.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/reactor.h"
#include "base/unique_fd.h"
#include "http/server.h"

namespace hearth::http::test {

Response text_response(int status, std::string body);

// Plans to buffer a megabyte, answers "METHOD TARGET BODY", and refuses with the reason as the body.
class FunctionHandler final : public Handler {
 public:
  FunctionHandler();
  BodyPlan plan(const RequestHead& head) override { return on_plan(head); }
  void handle(Request&& request, Responder responder) override {
    on_handle(std::move(request), std::move(responder));
  }
  Response refuse(int status, std::string_view reason, std::string_view message) override;
  void connection_closed(const void* connection) override { on_connection_closed(connection); }

  // Set before the server starts, or on its loop.
  std::function<BodyPlan(const RequestHead&)> on_plan;
  std::function<void(Request, Responder)> on_handle;
  std::function<void(const void*)> on_connection_closed = [](const void*) {};
};

class LoopbackServer {
 public:
  explicit LoopbackServer(Handler& handler, ServerLimits limits = {},
                          const std::string& host_port = "127.0.0.1:0");
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();  // NOLINT(bugprone-exception-escape): a test fails by it

  std::uint16_t port() const { return port_; }
  base::Reactor& reactor() { return reactor_; }
  Server& server() { return *server_; }

  // Runs on the loop and waits for it.
  void on_loop(const std::function<void()>& callback);
  std::size_t connection_count();
  // Until so many connections are left; false after ten seconds.
  bool wait_for_connections(std::size_t count);

 private:
  base::Reactor reactor_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

struct Answer {
  int status = 0;
  std::string head;
  std::string body;

  std::string header(std::string_view name) const;  // empty when there is none
};

class Peer {
 public:
  explicit Peer(std::uint16_t port) : Peer() { connect(port); }
  Peer();  // a socket, not connected
  void connect(std::uint16_t port);

  void send(std::string_view bytes);
  // False once the server has closed or reset the connection.
  bool try_send(std::string_view bytes);
  void shut_down_writing() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  void reset();  // closes with RST
  // Bounds what the kernel keeps for an unread answer; before connect.
  void shrink_receive_buffer();

  // The next answer; status 0 when the server closed instead.
  Answer receive(bool head_only = false);
  // Everything until the server closes; `clean` is false for a reset.
  std::string receive_all(bool* clean = nullptr);
  // The server has closed, and sent nothing more.
  bool closed();
  // Something to read (or the end) is there within that time.
  bool readable_within(int milliseconds);

 private:
  bool fill();

  base::UniqueFd fd_;
  std::string pending_;
};

// A request without a body, "Host" included.
std::string get(std::string_view target, std::string_view more_headers = {});
std::string post(std::string_view target, std::string_view body, std::string_view more_headers = {});

}  // namespace hearth::http::test
