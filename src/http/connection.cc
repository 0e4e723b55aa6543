#include "http/connection.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/log.h"

namespace hearth::http {
namespace {

constexpr std::size_t kBufferSlackBytes = 4 * 1024;
// Reads in one turn of the loop, so that one peer leaves the loop to others.
constexpr int kReadsPerTurn = 16;

HeadLimits head_limits(const ServerLimits& limits) {
  return {limits.header_bytes, limits.target_bytes, limits.header_count};
}

// What is left to write of head and body after `written` bytes.
std::size_t gather(std::string_view head, const std::array<std::string, 3>& body, std::size_t written,
                   std::array<iovec, 4>& buffers) {
  const std::array<std::string_view, 4> parts = {head, body[0], body[1], body[2]};
  std::size_t left = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t skipped = std::min(written, parts[i].size());
    written -= skipped;
    // Nobody writes through the pointer.
    buffers[i] = {const_cast<char*>(parts[i].data()) + skipped, parts[i].size() - skipped};
    left += buffers[i].iov_len;
  }
  return left;
}

}  // namespace

Connection::Connection(base::Reactor& reactor, PeerSocket socket, std::shared_ptr<ConnectionHost> host)
    : reactor_(reactor),
      socket_(std::move(socket)),
      host_(std::move(host)),
      parser_(head_limits(host_->limits())),
      buffer_(std::max(kReadBufferBytes, host_->limits().header_bytes + kBufferSlackBytes)) {}

void Connection::start() {
  wait_from_now(socket_.secured() ? host_->limits().idle_timeout : host_->limits().header_timeout);
  watch();
}

// The connection lives until close() ends the watch.
void Connection::watch() {
  watch_ = reactor_.watch(socket_.fd(),
                          [self = shared_from_this()](base::Readiness ready) { self->on_ready(ready); });
}

void Connection::secure() {
  switch (socket_.shake_hands()) {
    case TlsSession::Handshake::kPending:
      break;
    case TlsSession::Handshake::kDone:
      if (phase_ == Phase::kIdle) {
        wait_from_now(host_->limits().idle_timeout);
      }
      break;
    case TlsSession::Handshake::kFailed:
      if (!socket_.fault().empty()) {
        host_->not_secured(socket_.fd(), socket_.fault());
      }
      close();
      break;
  }
}

void Connection::on_ready(base::Readiness ready) {
  const std::shared_ptr<Connection> self = shared_from_this();
  readable_ = readable_ || ready.readable || ready.ended;
  ended_ = ended_ || ready.ended;
  if (!socket_.secured()) {
    secure();
  }
  if (phase_ == Phase::kWriting && (ready.writable || ready.ended)) {
    flush();
  } else if (phase_ == Phase::kStreaming && ready.writable) {
    flush_pieces();
  }
  advance();
}

void Connection::turn_away(int status, std::string_view reason, std::string_view message) {
  watch();
  refuse(status, reason, message);
}

void Connection::drain() {
  close_after_ = true;
  if (phase_ == Phase::kIdle && buffer_.empty()) {
    readable_ = true;  // a request may have come that the loop has not been told of
    advance();
  }
  if (phase_ == Phase::kIdle && buffer_.empty()) {
    close();
  }
}

void Connection::expire() {
  switch (phase_) {
    case Phase::kHead:
      refuse(408, "header_timeout", "the head of the request did not arrive in time");
      break;
    case Phase::kBody:
      sink_.reset();
      refuse(408, "body_timeout", "the next piece of the request's body did not arrive in time");
      break;
    case Phase::kIdle:
    case Phase::kWriting:
    case Phase::kStreaming:
    case Phase::kLingering:
      close();
      break;
    case Phase::kSink:
    case Phase::kExecuting:
    case Phase::kClosed:
      break;
  }
}

void Connection::advance() {
  if (advancing_) {
    return;
  }
  const std::shared_ptr<Connection> self = shared_from_this();  // a step may close, and the host forget it
  advancing_ = true;
  int reads = 0;
  do {
    while (step()) {
    }
  } while (reads++ < kReadsPerTurn && receive());
  advancing_ = false;
  if (reads > kReadsPerTurn) {
    reactor_.post([self] { self->advance(); });
  }
}

bool Connection::step() {
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kHead:
      if (buffer_.empty()) {
        return false;
      }
      step_head();
      return phase_ != Phase::kHead;
    case Phase::kBody:
      return step_body();
    default:
      return false;
  }
}

void Connection::step_head() {
  const RequestParser::Step step = parser_.next(buffer_.view());
  buffer_.consume(step.consumed);
  switch (step.kind) {
    case RequestParser::Kind::kHead:
      plan_body();
      break;
    case RequestParser::Kind::kRefused: {
      const Refusal refusal = parser_.refusal();
      refuse(refusal.status, refusal.reason, refusal.message);
      break;
    }
    default:
      if (phase_ == Phase::kIdle) {
        phase_ = Phase::kHead;
        wait_from_now(host_->limits().header_timeout);
      }
  }
}

void Connection::send(Response&& response) {
  if (phase_ != Phase::kExecuting) {
    return;  // the peer has gone
  }
  on_gone_ = nullptr;
  answer(std::move(response));
  advance();
}

void Connection::dropped() {
  if (phase_ == Phase::kExecuting) {
    send(host_->handler().refuse(500, "no_answer", "the request was given up without an answer"));
  } else if (phase_ == Phase::kStreaming) {
    close();
  }
}

void Connection::on_gone(std::function<void()> callback) {
  if (phase_ == Phase::kExecuting) {
    on_gone_ = std::move(callback);
  }
}

void Connection::refuse(int status, std::string_view reason, std::string_view message) {
  Response response = host_->handler().refuse(status, reason, message);
  response.close = true;
  answer(std::move(response));
}

void Connection::make_sendable(Response& response) {
  const std::string_view fault = response_fault(response);
  if (fault.empty()) {
    return;
  }
  spdlog::error("http: a response is replaced by a 500: {}", fault);
  response = host_->handler().refuse(500, "bad_response", "the answer could not be sent");
  if (!response_fault(response).empty()) {
    response = Response();
    response.status = 500;
  }
}

Persistence Connection::begin_answer(bool close) {
  close_after_ = close_after_ || close || !parser_.keep_alive() || !parser_.finished() || host_->draining();
  if (close_after_) {
    return Persistence::kClose;
  }
  return parser_.http11() ? Persistence::kImplied : Persistence::kKeepAlive;
}

void Connection::answer(Response&& response) {
  make_sendable(response);
  const Persistence persistence = begin_answer(response.close);
  write_head(response, host_->date_line(), persistence, answer_text_);
  head_only_ = head_only_ || !carries_body(response) || response.content_type.empty();
  body_apart_ = !head_only_ && response.body_bytes() > kJoinedBodyBytes;
  if (body_apart_) {
    large_body_ = std::move(response.body);
  } else if (!head_only_) {
    answer_text_.append(response.body[0]).append(response.body[1]).append(response.body[2]);
  }
  written_bytes_ = 0;
  hold_ = Hold::kNothing;  // it goes with this
  phase_ = Phase::kWriting;
  wait_forever();
  flush();
}

// Offers what is not written yet, `left` bytes, to the kernel.
ssize_t Connection::send_answer(std::size_t& left) {
  if (!body_apart_) {
    const std::string_view rest = std::string_view(answer_text_).substr(written_bytes_);
    left = rest.size();
    return socket_.send(rest);
  }
  std::array<iovec, 4> buffers;
  left = gather(answer_text_, large_body_, written_bytes_, buffers);
  return socket_.send(buffers);
}

void Connection::flush() {
  std::size_t left = 0;
  const ssize_t sent = send_answer(left);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    close();
    return;
  }
  const std::size_t written = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (written == left) {
    finish_answer();
    return;
  }
  if (written > 0 || deadline_ == TimePoint::max()) {
    wait_from_now(host_->limits().write_timeout);
  }
  written_bytes_ += written;  // the rest goes out when the socket is writable again
}

void Connection::finish_answer() {
  if (std::exchange(body_apart_, false)) {
    large_body_ = {};  // the handler's memory; what is kept is this connection's own
  }
  if (close_after_) {
    linger();
  } else {
    next_request();
  }
}

void Connection::next_request() {
  phase_ = Phase::kIdle;
  head_only_ = false;
  parser_.reset();
  wait_from_now(host_->limits().idle_timeout);
}

void Connection::linger() {
  phase_ = Phase::kLingering;
  wait_from_now(kLingerTime);
  socket_.half_close();
  buffer_.drop();
  lingered_bytes_ = 0;
}

void Connection::close() {
  if (phase_ == Phase::kClosed) {
    return;
  }
  const bool sink_busy = phase_ == Phase::kSink;
  phase_ = Phase::kClosed;
  wait_forever();
  if (!sink_busy) {  // a busy one reads from buffer_ until it is done
    sink_.reset();
  }
  watch_.stop();
  socket_.half_close();  // should something lie unread, the end comes before the reset
  socket_.close();
  host_->closed(*this);
  host_->handler().connection_closed(static_cast<Responder::Target*>(this));
}

bool Connection::wants_bytes() const {
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kHead:
    case Phase::kBody:
    case Phase::kLingering:
      return true;
    // Read on, so that the peer's leaving is noticed; what it sends ahead waits in the buffer.
    case Phase::kExecuting:
    case Phase::kStreaming:
      return !buffer_.full();
    case Phase::kSink:
    case Phase::kWriting:
    case Phase::kClosed:
      return false;
  }
  return false;
}

// One read, when there may be bytes and they are wanted. False when there is no more to do.
bool Connection::receive() {
  if (!readable_ || !wants_bytes()) {
    return false;
  }
  buffer_.make_room();
  const std::size_t room = buffer_.room_bytes();
  const ssize_t got = socket_.receive(buffer_.room(), room);
  if (got < 0 && errno == EINTR) {
    return true;
  }
  if (got < 0 && errno == EAGAIN) {
    readable_ = false;
    return false;
  }
  if (got <= 0) {
    readable_ = false;
    on_peer_left();
    return false;
  }
  // Less than there was room for: there is no more, unless the end has been announced with it.
  readable_ = static_cast<std::size_t>(got) == room || ended_;
  buffer_.commit(static_cast<std::size_t>(got));
  if (phase_ == Phase::kLingering) {
    buffer_.drop();
    lingered_bytes_ += static_cast<std::uint64_t>(got);
    if (lingered_bytes_ > kLingerBytes) {
      close();
      return false;
    }
  }
  return true;
}

void Connection::on_peer_left() {
  const std::function<void()> callback =
      phase_ == Phase::kExecuting ? std::exchange(on_gone_, nullptr) : std::function<void()>();
  close();
  if (callback) {
    callback();
  }
}

}  // namespace hearth::http
