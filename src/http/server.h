// The HTTP/1.1 server behind a small interface: sockets, parsing, limits and time-outs are in here,
// routes and answers are the handler's.
//
// One loop thread runs everything: Server, Handler and Responder are used on it only. The loop outlives the
// server and every Responder; the handler outlives the server. With several loops each has a server, and the
// one that listens deals its connections out (deal_to()).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/message.h"
#include "http/socket_ends.h"
#include "http/tls_context.h"

namespace hearth::base {
class Reactor;
}

namespace hearth::http {

struct ServerLimits {
  std::uint32_t header_bytes = 32 * 1024;  // request line and headers together: 431
  std::uint32_t target_bytes = 8 * 1024;   // 414
  std::uint32_t header_count = 100;        // 431
  std::uint32_t connections = 4'096;       // one more is answered 503 and closed
  // From the first byte of a request to its blank line: 408.
  std::chrono::milliseconds header_timeout{10'000};
  // Between two pieces of a body: 408.
  std::chrono::milliseconds body_timeout{30'000};
  // Between two requests, and before the first: closed.
  std::chrono::milliseconds idle_timeout{60'000};
  // A peer that takes nothing of its answer: closed.
  std::chrono::milliseconds write_timeout{30'000};
};

// Takes a body piece by piece; the next piece comes after `done`, so a slow disk slows the peer.
class BodySink {
 public:
  using Done = std::function<void(base::Result<void>)>;
  virtual ~BodySink() = default;
  // `piece` stays valid until `done` is called (on the loop thread, inside the call or later). After
  // an error no more pieces come; the handler still gets handle() to answer with its reason. `done`
  // may destroy the sink when it is called later: call it last. A peer that leaves in the middle, or a
  // refusal of the server's own (408, 413, a malformed chunk), destroys the sink without a handle().
  virtual void write(std::string_view piece, Done done) = 0;
};

// What the handler decides from the head alone, before any byte of the body is read: this is where
// routes, authentication and sizes are refused.
struct Refuse {
  // A body of at most 64 KiB with a Content-Length is read and thrown away first, and the connection
  // is kept; with any other body, or one that waits for "100 Continue", the connection is closed after it.
  Response response;
};
struct Buffer {
  std::uint64_t limit_bytes = 0;  // 413 and close when the body is larger, announced or found out
};
struct Stream {
  std::unique_ptr<BodySink> sink;
  std::uint64_t limit_bytes = 0;  // as above
};
using BodyPlan = std::variant<Refuse, Buffer, Stream>;

struct Request {
  RequestHead head;
  std::string body;                // empty when it was streamed
  std::unique_ptr<BodySink> sink;  // given back when it was streamed
  bool body_failed = false;        // the sink answered with an error; the rest was not read
};

// The one answer to one request; move-only. Dropped without send(): the server answers 500.
class Responder {
 public:
  class Target {
   public:
    virtual ~Target() = default;
    virtual void send(Response&& response) = 0;
    virtual void on_gone(std::function<void()> callback) = 0;
    virtual bool gone() const = 0;
    virtual bool send_processing() { return !gone(); }
    virtual SocketEnds ends() const { return {}; }
    virtual void begin(Response&& head) = 0;
    virtual void write(std::string_view piece, bool last) = 0;
    // The responder was destroyed unsent; without an override, sends a bare 500.
    virtual void dropped();
  };

  Responder() = default;
  explicit Responder(std::shared_ptr<Target> target) : target_(std::move(target)) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&& other) noexcept;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder();

  // At once or later, exactly once; to a peer that has gone it does nothing. Consumes the responder.
  void send(Response&& response);
  // Instead of send(), for an answer whose pieces come one after the other: begin(), whose `head` has no
  // body, and then write() until the last, which consumes the responder. What the peer does not take yet
  // waits here, without a bound. Dropped before the last, the connection is closed: so the peer knows that it
  // is not whole.
  void begin(Response&& head);
  void write(std::string_view piece, bool last);
  // Called at most once, when the peer closes before the answer (also a half-close: a client that
  // shuts its sending side down is taken to have left). Not called after send() or begin(), nor when the
  // server is stopped. A peer that has sent 64 KiB of further requests ahead is not watched meanwhile.
  void on_gone(std::function<void()> callback);
  bool gone() const;
  // Says that the request is being worked on (102 Processing), as often as wanted before send(): with the
  // answer if that comes within a moment, else soon. False: the peer has left, as far as the socket tells at
  // this moment.
  bool send_processing();
  // Of the request's connection; empty when the peer has gone.
  SocketEnds ends() const { return target_ ? target_->ends() : SocketEnds(); }
  // RequestHead::connection.
  const void* peer() const { return target_.get(); }

 private:
  std::shared_ptr<Target> target_;  // shared with the connection, which may end first
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual BodyPlan plan(const RequestHead& head) = 0;
  // What is left of the head afterwards is the connection's again: its memory serves the next request.
  virtual void handle(Request&& request, Responder responder) = 0;
  // Turns a refusal of the server's own (400, 408, 413, 414, 417, 431, 500, 501, 503, 505) into an answer in
  // the handler's error format. `reason` is a short machine word, e.g. "header_too_large".
  virtual Response refuse(int status, std::string_view reason, std::string_view message) = 0;
  // A connection (RequestHead::connection) has been closed; a request of it may not be answered yet.
  virtual void connection_closed(const void* /*connection*/) {}
};

class Server {
 public:
  Server(base::Reactor& reactor, ServerLimits limits, Handler& handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // NOLINT(bugprone-exception-escape): see server.cc

  // HOST:PORT, [V6]:PORT; port 0 takes a free one. Binds and listens; kInvalidArgument, kIo.
  base::Result<void> listen(const std::string& host_port);
  // The same with a socket that listens already (open_listener()). kIo.
  base::Result<void> adopt(base::UniqueFd listening);
  // Its connections speak TLS alone, those too that it is dealt; the handshake has header_timeout. Before
  // start().
  void use_tls(TlsContextPtr tls);
  // The port bound by listen().
  std::uint16_t port() const;
  // Connections accepted here go to whichever of `others` and this has the fewest, for good. The limit on
  // connections is then one for all. Before start(); they live on other loops, do not listen, and outlive
  // this server's last accept.
  void deal_to(const std::vector<Server*>& others);
  // Begins to accept; before it, connections wait in the backlog.
  void start();
  // Stops accepting; requests under way are answered, each with "Connection: close". Idle connections are
  // kept for `grace`, for one more request that is answered so, and closed then: whoever calls again and
  // again learns in an answer that the connection ends. `done` runs when the last connection has gone, never
  // inside the call; set no bound here: stop() is the caller's way to end it.
  void drain(std::function<void()> done, std::chrono::milliseconds grace = std::chrono::milliseconds(0));
  // Who waits in the backlog is accepted, and nobody any more; those that are there stay. drain() begins with
  // it.
  void stop_listening();
  // Closes everything now.
  void stop();
  // Any thread.
  std::size_t connection_count() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // connections in flight refer to it
};

}  // namespace hearth::http
