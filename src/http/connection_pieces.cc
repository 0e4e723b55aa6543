// How a connection sends an answer whose pieces come one after the other.
#include <cerrno>
#include <utility>

#include "http/connection.h"

namespace hearth::http {

// Whoever speaks HTTP/1.0 knows no chunks: the connection's end is the body's.
void Connection::begin(Response&& head) {
  if (phase_ != Phase::kExecuting) {
    return;  // the peer has gone
  }
  on_gone_ = nullptr;
  Response response = std::move(head);
  make_sendable(response);
  chunked_ = parser_.http11();
  const Persistence persistence = begin_answer(response.close || !chunked_);
  write_head(response, host_->date_line(), persistence, pieces_,
             chunked_ ? Framing::kChunked : Framing::kUntilClose);
  head_only_ = head_only_ || !carries_body(response) || response.content_type.empty();
  last_piece_ = false;
  written_bytes_ = 0;
  hold_ = Hold::kNothing;  // it goes with the first piece
  phase_ = Phase::kStreaming;
}

void Connection::write(std::string_view piece, bool last) {
  if (phase_ != Phase::kStreaming || last_piece_) {
    return;
  }
  if (!head_only_ && chunked_) {
    add_chunk(pieces_, piece);
    pieces_.append(last ? kLastChunk : std::string_view());
  } else if (!head_only_) {
    pieces_.append(piece);
  }
  last_piece_ = last;
  flush_pieces();
  advance();
}

void Connection::flush_pieces() {
  const std::string_view left = std::string_view(pieces_).substr(written_bytes_);
  const ssize_t sent = left.empty() ? 0 : socket_.send(left);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    close();
    return;
  }
  written_bytes_ += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (written_bytes_ == pieces_.size()) {
    all_pieces_sent();
  } else if (sent > 0 || deadline_ == TimePoint::max()) {
    wait_from_now(host_->limits().write_timeout);  // the rest goes out when the socket is writable again
  }
}

void Connection::all_pieces_sent() {
  wait_forever();
  written_bytes_ = 0;
  pieces_.clear();
  if (pieces_.capacity() > kReadBufferBytes) {
    pieces_ = std::string();
  }
  if (last_piece_) {
    finish_answer();
  }
}

}  // namespace hearth::http
