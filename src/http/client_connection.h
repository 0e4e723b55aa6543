// One keep-alive connection of an event loop to a server of ours: one request at a time, interim answers and
// the pieces of chunked ones told as they come, nothing repeated and no time-out of its own. Client
// (client.h) is its blocking sibling for any server.
//
// Loop thread only. Events come from the loop, never from inside a call to the connection; whoever gets one
// may let the connection go inside it.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/reactor.h"
#include "base/result.h"
#include "http/answer_head.h"
#include "http/chunked_decoder.h"
#include "http/peer_socket.h"
#include "http/read_buffer.h"
#include "http/socket_ends.h"

namespace hearth::http {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// Of a host that is written as an address; nothing for a name, which would have to be looked up.
bool numeric_address(const std::string& host, std::uint16_t port, SocketAddress& address);
// Looks a name up, which may take long: for a thread that may block. kIo.
base::Result<SocketAddress> resolve_address(const std::string& host, std::uint16_t port);

// Where a server is, and how it is spoken to.
struct Destination {
  SocketAddress address;
  TlsContextPtr tls{};  // null: plain
};

class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  // With TLS: the handshake is done.
  virtual void connected() = 0;
  virtual void interim(int status) = 0;
  // Of a chunked answer: some of its body, while it lasts. answered() comes without a body then.
  virtual void piece(std::string_view bytes) = 0;
  // `head` views memory that ends with the call.
  virtual void answered(const AnswerHead& head, std::string&& body) = 0;
  // Also when the server closes between two requests. kIo: it has closed, and what it had sent before has
  // come, or its host refuses; kUnavailable: the connection was reset, and what was on its way either way is
  // lost; kTimeout: nothing is heard of its host; kCorrupt, kTooLarge. The last event.
  virtual void lost(const base::Error& error) = 0;
};

class ClientConnection final : public std::enable_shared_from_this<ClientConnection> {
 public:
  // Begins to connect. `events` outlives the connection, or close() comes first. `body_limit_bytes`: of an
  // answer that is not chunked.
  static std::shared_ptr<ClientConnection> open(base::Reactor& reactor, const Destination& to,
                                                std::uint64_t body_limit_bytes, ClientEvents& events);
  ClientConnection(base::Reactor& reactor, std::uint64_t body_limit_bytes, ClientEvents& events);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;
  ~ClientConnection() = default;

  // When connected and no request is under way. `head` with its blank line; `body` may be null.
  void send(std::string head, std::shared_ptr<const std::string> body);
  // Once connected: what TLS has at both ends, and nobody between; empty of a plain one.
  std::string_view channel_binding() const { return socket_.channel_binding(); }
  // Once connected.
  SocketEnds ends() const { return ends_of(socket_.fd()); }
  // Says that nothing more will be sent; answers still come.
  void half_close() { socket_.half_close(); }
  // After half_close(): the server's host has said that everything has come, and nothing that it sent is
  // known to be missing. Asked last: what is wrong with the connection is not told any more.
  bool arrived() const { return socket_.all_arrived(); }
  // No event comes any more.
  void close();
  bool closed() const { return phase_ == Phase::kClosed; }

 private:
  enum class Phase { kConnecting, kIdle, kAwaiting, kBody, kChunks, kClosed };

  void begin(const Destination& to);
  void on_ready(base::Readiness ready);
  bool finish_connecting();
  bool secure();
  void flush();
  void receive();
  bool take();
  bool take_head();
  bool take_body();
  bool take_chunks();
  void finish_answer();
  void fail(base::Error error);
  void fail_reading(ssize_t got);

  base::Reactor& reactor_;
  const std::uint64_t body_limit_bytes_;
  ClientEvents& events_;
  PeerSocket socket_;
  base::Reactor::Watch watch_;
  Phase phase_ = Phase::kConnecting;
  bool ended_ = false;  // the end has been announced, behind what is still to be read
  ReadBuffer buffer_{64 * 1024};

  // The request under way, as far as it has not been sent.
  std::string head_;
  std::shared_ptr<const std::string> body_;
  std::size_t sent_bytes_ = 0;
  bool sending_ = false;

  // The answer under way: its head's text, and the body that follows.
  std::string answer_head_;
  AnswerHead answer_;
  std::string answer_body_;
  ChunkedDecoder chunks_;
};

}  // namespace hearth::http
