// One accepted connection: reads requests, has the handler plan and answer them one at a time, and
// writes the answers in order. The only code that touches a server's sockets after accept.
//
// Between the sockets and Handler; the grammar is request_parser.h's, the text of answers
// response_writer.h's. Loop thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/reactor.h"
#include "http/peer_socket.h"
#include "http/read_buffer.h"
#include "http/request_parser.h"
#include "http/response_writer.h"
#include "http/server.h"

namespace hearth::http {

// A small body that is refused is read to its end, so that the connection can go on.
inline constexpr std::uint64_t kDrainedBodyBytes = 64 * 1024;
// After the last answer the peer's bytes are thrown away for a while: closing at once would make the
// kernel send a reset, which can destroy the answer before the peer has read it.
inline constexpr std::uint64_t kLingerBytes = 128 * 1024 * 1024;
inline constexpr std::chrono::milliseconds kLingerTime{2'000};
// A body that is sent as one text with the head of its answer, at most.
inline constexpr std::size_t kJoinedBodyBytes = 1'024;
// A piece of a body at most, and pipelined bytes held back at most.
inline constexpr std::size_t kReadBufferBytes = 64 * 1024;
// A 102 goes out with the answer, if that comes soon: so it wakes nobody, and costs no packet of its own.
inline constexpr std::chrono::milliseconds kHoldTick{25};
// But not for a request that may have waited for so long already: whoever sent it counts from then.
inline constexpr std::chrono::milliseconds kHoldFresh{30};

using TimePoint = std::chrono::steady_clock::time_point;

class Connection;

// What connections share; implemented by the server.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const ServerLimits& limits() const = 0;
  virtual Handler& handler() = 0;
  virtual std::string_view date_line() = 0;
  virtual bool draining() const = 0;
  // A connection holds words back, for Connection::push_held() soon.
  virtual void hold() = 0;
  // A peer did not come as far as TLS; `why` is OpenSSL's.
  virtual void not_secured(int socket, std::string_view why) = 0;
  // The connection has closed its socket and calls the handler no more.
  virtual void closed(Connection& connection) = 0;
};

class Connection final : public Responder::Target, public std::enable_shared_from_this<Connection> {
 public:
  // `socket` is connected.
  Connection(base::Reactor& reactor, PeerSocket socket, std::shared_ptr<ConnectionHost> host);

  // Begins to read requests.
  void start();
  // Answers with a refusal and closes.
  void turn_away(int status, std::string_view reason, std::string_view message);
  // Closes when nothing is under way; otherwise after the answer.
  void drain();
  // Closes now, without an answer.
  void stop() { close(); }

  // When expire() is due; never, while it is the handler's or the sink's turn.
  TimePoint deadline() const { return deadline_; }
  void expire();

  // Called every kHoldTick while connections hold words back: sends those that were held for a whole tick.
  // Whether some are held still.
  bool push_held();

  std::size_t slot = 0;  // the host's own: where it keeps this connection

  // Responder::Target
  void send(Response&& response) override;
  void on_gone(std::function<void()> callback) override;
  bool gone() const override { return phase_ == Phase::kClosed; }
  bool send_processing() override;
  SocketEnds ends() const override { return ends_of(socket_.fd()); }
  void begin(Response&& head) override;
  void write(std::string_view piece, bool last) override;
  void dropped() override;

 private:
  enum class Phase {
    kIdle,       // between two requests
    kHead,       // some bytes of a head are here
    kBody,       // the head was accepted, the body is coming
    kSink,       // the sink is busy with a piece; nothing is read
    kExecuting,  // the handler has the request
    kWriting,    // the answer is on its way
    kStreaming,  // its pieces are on their way, as the handler gives them
    kLingering,  // answered for the last time; the peer's bytes are thrown away
    kClosed,
  };
  enum class BodyMode { kBuffer, kStream, kDrain };
  // kUnsent: the kernel takes nothing now. kBroken: the connection is of no more use.
  enum class Interim { kSent, kUnsent, kBroken };

  // Does all that can be done without waiting.
  void advance();
  bool step();
  void step_head();
  bool step_body();
  void plan_body();
  void begin_body(BodyMode mode, std::uint64_t limit_bytes);
  void refuse_planned(Response response);
  bool take_piece(std::string_view piece, std::size_t consumed);
  bool feed_sink(std::string_view piece, std::size_t consumed);
  void sink_done(base::Result<void> result);
  void end_piece(bool ok);
  void send_continue();
  Interim send_interim(std::string_view text, int flags);
  void execute();

  void refuse(int status, std::string_view reason, std::string_view message);
  void answer(Response&& response);
  ssize_t send_answer(std::size_t& left);
  void make_sendable(Response& response);
  Persistence begin_answer(bool close);
  void flush();
  void flush_pieces();
  void all_pieces_sent();
  void finish_answer();
  void next_request();
  void linger();
  void close();

  void watch();
  void secure();
  void on_ready(base::Readiness ready);
  bool wants_bytes() const;
  bool receive();
  void on_peer_left();
  void wait_from_now(std::chrono::milliseconds time) { deadline_ = std::chrono::steady_clock::now() + time; }
  void wait_forever() { deadline_ = TimePoint::max(); }

  base::Reactor& reactor_;
  PeerSocket socket_;
  base::Reactor::Watch watch_;
  const std::shared_ptr<ConnectionHost> host_;  // ends after its last connection
  RequestParser parser_;
  ReadBuffer buffer_;
  Phase phase_ = Phase::kIdle;
  TimePoint deadline_ = TimePoint::max();
  bool readable_ = false;   // the socket may have bytes
  bool ended_ = false;      // and its end behind them
  bool advancing_ = false;  // advance() is on the stack

  // The request under way.
  BodyMode body_mode_ = BodyMode::kBuffer;
  std::uint64_t body_limit_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool body_waits_ = false;  // deadline_ is this piece's
  bool body_failed_ = false;
  std::string body_;
  std::unique_ptr<BodySink> sink_;
  bool in_sink_ = false;                           // sink_->write() is on the stack
  std::optional<base::Result<void>> sink_result_;  // it called done meanwhile
  std::size_t piece_consumed_ = 0;                 // to drop from buffer_ when the sink is done
  std::optional<Response> planned_refusal_;
  std::function<void()> on_gone_;
  enum class Hold { kNothing, kNew, kForATick };
  Hold hold_ = Hold::kNothing;  // what the kernel has, and waits with

  // The answer under way.
  std::string answer_text_;                // its head, and a small body
  std::array<std::string, 3> large_body_;  // what comes behind it
  bool body_apart_ = false;                // large_body_ holds something
  std::size_t written_bytes_ = 0;          // of text and body together, or of pieces_
  std::string pieces_;                     // of a streamed one: head and chunks
  bool last_piece_ = false;                // nothing comes after them
  bool chunked_ = false;
  bool head_only_ = false;  // the request was a HEAD
  bool close_after_ = false;
  std::uint64_t lingered_bytes_ = 0;
};

}  // namespace hearth::http
