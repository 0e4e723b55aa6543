// How a connection takes a request's body in, by the handler's plan, and hands the request over.
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <utility>
#include <variant>

#include "http/connection.h"

namespace hearth::http {

void Connection::plan_body() {
  parser_.head().connection = static_cast<Responder::Target*>(this);
  parser_.head().channel_binding = socket_.channel_binding();
  head_only_ = parser_.head().method == Method::kHead;
  wait_forever();
  BodyPlan plan = host_->handler().plan(parser_.head());
  if (phase_ == Phase::kClosed) {  // the handler stopped the server
    return;
  }
  if (auto* refused = std::get_if<Refuse>(&plan)) {
    refuse_planned(std::move(refused->response));
  } else if (auto* buffer = std::get_if<Buffer>(&plan)) {
    begin_body(BodyMode::kBuffer, buffer->limit_bytes);
  } else {
    auto& stream = std::get<Stream>(plan);
    sink_ = std::move(stream.sink);
    begin_body(BodyMode::kStream, stream.limit_bytes);
  }
}

// A small body on its way is read first and the connection kept; otherwise this answer is the last.
void Connection::refuse_planned(Response response) {
  const bool drains = parser_.body_announced() && !parser_.head().chunked && !parser_.expects_continue() &&
                      *parser_.head().content_length <= kDrainedBodyBytes && !response.close;
  if (!parser_.body_announced() || !drains) {
    answer(std::move(response));
    return;
  }
  planned_refusal_ = std::move(response);
  begin_body(BodyMode::kDrain, kDrainedBodyBytes);
}

void Connection::begin_body(BodyMode mode, std::uint64_t limit_bytes) {
  phase_ = Phase::kBody;
  body_mode_ = mode;
  body_limit_bytes_ = limit_bytes;
  body_bytes_ = 0;
  body_waits_ = body_failed_ = false;
  const std::uint64_t announced = parser_.head().content_length.value_or(0);
  if (announced > limit_bytes) {
    sink_.reset();
    refuse(413, "body_too_large",
           "the request's body is larger than " + std::to_string(limit_bytes) + " bytes");
    return;
  }
  if (mode == BodyMode::kBuffer && announced > 0) {
    body_.reserve(announced);  // the pages are taken as the bytes arrive
  }
  if (parser_.expects_continue() && parser_.body_announced() && buffer_.empty()) {
    send_continue();
  }
}

bool Connection::step_body() {
  const RequestParser::Step step = parser_.next(buffer_.view());
  switch (step.kind) {
    case RequestParser::Kind::kBody:
      return take_piece(step.piece, step.consumed);
    case RequestParser::Kind::kEnd:
      buffer_.consume(step.consumed);
      execute();
      return phase_ != Phase::kExecuting;
    case RequestParser::Kind::kRefused: {
      sink_.reset();
      const Refusal refusal = parser_.refusal();
      refuse(refusal.status, refusal.reason, refusal.message);
      return false;
    }
    default:
      buffer_.consume(step.consumed);
      if (!body_waits_) {
        body_waits_ = true;
        wait_from_now(host_->limits().body_timeout);
      }
      return false;
  }
}

bool Connection::take_piece(std::string_view piece, std::size_t consumed) {
  body_waits_ = false;
  body_bytes_ += piece.size();
  if (body_bytes_ > body_limit_bytes_) {  // chunked: nobody said so before
    sink_.reset();
    refuse(413, "body_too_large",
           "the request's body is larger than " + std::to_string(body_limit_bytes_) + " bytes");
    return false;
  }
  if (body_mode_ == BodyMode::kStream) {
    return feed_sink(piece, consumed);
  }
  if (body_mode_ == BodyMode::kBuffer) {
    body_.append(piece);
  }
  buffer_.consume(consumed);
  return true;
}

bool Connection::feed_sink(std::string_view piece, std::size_t consumed) {
  phase_ = Phase::kSink;
  wait_forever();
  piece_consumed_ = consumed;
  sink_result_.reset();
  in_sink_ = true;
  sink_->write(
      piece, [self = shared_from_this()](base::Result<void> result) { self->sink_done(std::move(result)); });
  in_sink_ = false;
  if (!sink_result_) {
    return false;
  }
  end_piece(sink_result_->ok());
  return phase_ == Phase::kBody;
}

void Connection::sink_done(base::Result<void> result) {
  if (in_sink_) {  // acted on when write() has returned: the sink must outlive its own call
    sink_result_ = std::move(result);
    return;
  }
  end_piece(result.ok());
  advance();
}

void Connection::end_piece(bool ok) {
  if (phase_ == Phase::kClosed) {  // closed meanwhile; the sink was kept for this moment
    sink_.reset();
    return;
  }
  assert(phase_ == Phase::kSink);
  buffer_.consume(piece_consumed_);
  phase_ = Phase::kBody;
  if (!ok) {
    body_failed_ = true;
    execute();
  }
}

// A peer that has not read its last answers gets nothing, and need not wait for it.
void Connection::send_continue() {
  if (send_interim("HTTP/1.1 100 Continue\r\n\r\n", 0) == Interim::kBroken) {
    close();
  }
}

Connection::Interim Connection::send_interim(std::string_view text, int flags) {
  const ssize_t written = socket_.send_at_once(text, flags);
  if (written < 0) {
    return errno == EAGAIN || errno == EINTR ? Interim::kUnsent : Interim::kBroken;
  }
  // Half an answer would garble what follows.
  return static_cast<std::size_t>(written) == text.size() ? Interim::kSent : Interim::kBroken;
}

// The kernel has it from here on, and sends it by itself after 200 ms should this process be stopped (tcp(7),
// TCP_CORK). The socket is asked whether the peer is there, not the loop: what has come in this turn is not
// known to that yet.
bool Connection::send_processing() {
  if (phase_ != Phase::kExecuting) {
    return false;
  }
  const bool fresh = reactor_.now() - reactor_.heard_since() < kHoldFresh;
  const Interim sent = send_interim("HTTP/1.1 102 Processing\r\n\r\n", fresh ? MSG_MORE : 0);
  if (sent == Interim::kBroken) {
    socket_.break_off();  // the loop is told, and tells who waits for it
  }
  if (sent != Interim::kSent) {
    return false;
  }
  if (hold_ == Hold::kNothing) {
    hold_ = Hold::kNew;
    host_->hold();
  }
  return socket_.peer_is_there();
}

bool Connection::push_held() {
  if (hold_ == Hold::kForATick) {
    socket_.push_held();
    hold_ = Hold::kNothing;
  } else if (hold_ == Hold::kNew) {
    hold_ = Hold::kForATick;
  }
  return hold_ != Hold::kNothing;
}

void Connection::execute() {
  wait_forever();
  buffer_.shrink();
  if (body_mode_ == BodyMode::kDrain) {
    Response refusal = std::move(*planned_refusal_);
    planned_refusal_.reset();
    answer(std::move(refusal));
    return;
  }
  phase_ = Phase::kExecuting;
  Request request{std::move(parser_.head()), std::move(body_), std::move(sink_), body_failed_};
  body_.clear();
  host_->handler().handle(std::move(request), Responder(shared_from_this()));
  parser_.take_memory(std::move(request.head));
}

}  // namespace hearth::http
