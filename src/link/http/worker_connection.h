// One connection of a gateway to a worker, plain or with TLS: proves who both are when it begins, and then
// carries one request at a time, each message with its MAC (cluster/auth.h). An answer may come in packets
// (cluster/calls.h).
//
// Loop thread only. Events come from the loop, never from inside a call.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/reactor.h"
#include "cluster/auth.h"
#include "cluster/calls.h"
#include "http/client_connection.h"
#include "http/message.h"

namespace hearth::link {

class WorkerConnection;

struct WorkerAnswer {
  int status = 0;
  std::string meta;  // Hearth-Meta
  std::string body;
  bool reusable = false;  // the connection takes another request
};

class WorkerConnectionEvents {
 public:
  virtual ~WorkerConnectionEvents() = default;
  // It takes requests now.
  virtual void ready(WorkerConnection& connection) = 0;
  virtual void processing(WorkerConnection& connection) = 0;
  // Some of an answer, before answered() with an empty one. A view that ends with the call.
  virtual void packet(WorkerConnection& connection, std::string_view packet) = 0;
  virtual void answered(WorkerConnection& connection, WorkerAnswer&& answer) = 0;
  // Refused, not who it should be, or broken; the last event.
  virtual void lost(WorkerConnection& connection, const base::Error& error) = 0;
};

struct Identity {
  std::string holder;  // this process's name among all
  cluster::Key key{};
};

class WorkerConnection final : private http::ClientEvents {
 public:
  // Begins to connect. Everything outlives it.
  WorkerConnection(base::Reactor& reactor, base::Random& random, const Identity& identity,
                   const http::Destination& to, WorkerConnectionEvents& events);
  WorkerConnection(const WorkerConnection&) = delete;
  WorkerConnection& operator=(const WorkerConnection&) = delete;
  ~WorkerConnection() override;

  // When ready, and the last request was answered.
  void request(http::Method method, std::string_view target, std::shared_ptr<const std::string> body);
  // What the worker understands (cluster/wire.h). When ready.
  int protocol() const { return protocol_; }
  // It goes from this host to the worker's, and nothing that stands between speaks in the worker's name: its
  // end, and what its kernel confirms, are the worker's. When ready.
  bool direct() const { return direct_; }
  void half_close() { connection_->half_close(); }
  // After half_close(): the worker's host has said that everything has come.
  bool arrived() const { return direct_ && connection_->arrived(); }
  // No event comes any more.
  void close() { connection_->close(); }

 private:
  void connected() override;
  void interim(int status) override;
  void piece(std::string_view bytes) override;
  void answered(const http::AnswerHead& head, std::string&& body) override;
  void lost(const base::Error& error) override;
  void greeted(const http::AnswerHead& head);
  void see_ends(const http::AnswerHead& head);
  void forged();

  const Identity& identity_;
  WorkerConnectionEvents& events_;
  const std::string nonce_;
  std::shared_ptr<http::ClientConnection> connection_;
  // Once the worker has proved itself.
  std::optional<cluster::Key> session_;
  std::optional<cluster::Seal> requests_;
  std::optional<cluster::Seal> answers_;
  int protocol_ = 1;
  bool direct_ = false;
  cluster::PacketReader packets_;
};

}  // namespace hearth::link
