#include "http/connection.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <utility>

#include "base/log.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kBufferSlackBytes = 4 * 1024;

HeadLimits head_limits(const ServerLimits& limits) {
  return {limits.header_bytes, limits.target_bytes, limits.header_count};
}

// What is left to write of head and parts after `written` bytes.
std::size_t gather(std::string_view head, const Response* body, std::size_t written,
                   std::array<asio::const_buffer, 4>& buffers) {
  const std::array<std::string_view, 4> parts = {head,
                                                 body ? std::string_view(body->body[0]) : std::string_view(),
                                                 body ? std::string_view(body->body[1]) : std::string_view(),
                                                 body ? std::string_view(body->body[2]) : std::string_view()};
  std::size_t left = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t skipped = std::min(written, parts[i].size());
    written -= skipped;
    buffers[i] = asio::const_buffer(parts[i].data() + skipped, parts[i].size() - skipped);
    left += buffers[i].size();
  }
  return left;
}

}  // namespace

Connection::Connection(asio::ip::tcp::socket socket, std::shared_ptr<ConnectionHost> host)
    : socket_(std::move(socket)),
      host_(std::move(host)),
      parser_(head_limits(host_->limits())),
      buffer_(std::max(kReadBufferBytes, host_->limits().header_bytes + kBufferSlackBytes)) {}

void Connection::start() {
  wait_from_now(host_->limits().idle_timeout);
  read();
}

void Connection::turn_away(int status, std::string_view reason, std::string_view message) {
  refuse(status, reason, message);
}

void Connection::drain() {
  close_after_ = true;
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
  while (step()) {
  }
  advancing_ = false;
  read();
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

void Connection::send(Response response) {
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

void Connection::answer(Response response) {
  if (const std::string_view fault = response_fault(response); !fault.empty()) {
    spdlog::error("http: a response is replaced by a 500: {}", fault);
    response = host_->handler().refuse(500, "bad_response", "the answer could not be sent");
    if (!response_fault(response).empty()) {
      response = Response();
      response.status = 500;
    }
  }
  const bool http10 = !parser_.http11();
  close_after_ =
      close_after_ || response.close || !parser_.keep_alive() || !parser_.finished() || host_->draining();
  const Persistence persistence = close_after_ ? Persistence::kClose
                                  : http10     ? Persistence::kKeepAlive
                                               : Persistence::kImplied;
  write_head(response, host_->date_line(), persistence, head_text_);
  head_only_ = head_only_ || !carries_body(response) || response.content_type.empty();
  response_ = std::move(response);
  written_bytes_ = 0;
  phase_ = Phase::kWriting;
  wait_forever();
  flush();
}

void Connection::flush() {
  std::array<asio::const_buffer, 4> buffers;
  const std::size_t left = gather(head_text_, head_only_ ? nullptr : &response_, written_bytes_, buffers);
  error_code error;
  const std::size_t written = socket_.write_some(buffers, error);
  if (error && error != asio::error::would_block) {
    close();
    return;
  }
  if (written == left) {
    finish_answer();
    return;
  }
  if (written > 0 || deadline_ == TimePoint::max()) {
    wait_from_now(host_->limits().write_timeout);
  }
  written_bytes_ += written;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const error_code& wait_error) {
                       if (!wait_error && self->phase_ == Phase::kWriting) {
                         self->flush();
                         self->advance();
                       }
                     });
}

void Connection::finish_answer() {
  for (std::string& part : response_.body) {
    part = std::string();  // the handler's memory; what is kept is this connection's own
  }
  if (peer_left_) {
    close();
  } else if (close_after_) {
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
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  buffer_.drop();
  lingered_bytes_ = 0;
  read();
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
  error_code ignored;
  socket_.close(ignored);
  host_->closed(*this);
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
      return !buffer_.full();
    case Phase::kSink:
    case Phase::kWriting:
    case Phase::kClosed:
      return false;
  }
  return false;
}

void Connection::read() {
  if (reading_ || !wants_bytes()) {
    return;
  }
  reading_ = true;
  buffer_.make_room();
  socket_.async_read_some(asio::buffer(buffer_.room(), buffer_.room_bytes()),
                          [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                            self->reading_ = false;
                            self->on_read(error, bytes);
                          });
}

void Connection::on_read(const error_code& error, std::size_t bytes) {
  if (phase_ == Phase::kClosed) {
    return;
  }
  if (error) {
    on_peer_left(error == asio::error::eof);
    return;
  }
  buffer_.commit(bytes);
  if (phase_ == Phase::kLingering) {
    buffer_.drop();
    lingered_bytes_ += bytes;
    if (lingered_bytes_ > kLingerBytes) {
      close();
      return;
    }
  }
  advance();
}

void Connection::on_peer_left(bool half_closed) {
  switch (phase_) {
    case Phase::kExecuting: {
      const std::function<void()> callback = std::move(on_gone_);
      on_gone_ = nullptr;
      close();
      if (callback) {
        callback();
      }
      return;
    }
    case Phase::kWriting:
      if (half_closed) {  // it may still be reading
        peer_left_ = true;
        return;
      }
      close();
      return;
    case Phase::kSink:
      peer_left_ = true;
      return;
    default:
      close();
  }
}

}  // namespace hearth::http
