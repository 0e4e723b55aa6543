#include "http/chunked_decoder.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/text.h"

namespace hearth::http {

void ChunkedDecoder::reset() {
  state_ = State::kSize;
  left_ = 0;
  extension_bytes_ = trailer_bytes_ = 0;
  trailers_ = 0;
  refusal_ = Refusal();
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view bytes) {
  Step step;
  while (advance(bytes, step)) {
  }
  if (state_ == State::kRefused) {
    step.kind = Kind::kRefused;
  } else if (state_ == State::kDone && step.piece.empty()) {
    step.kind = Kind::kEnd;
  }
  return step;
}

bool ChunkedDecoder::advance(std::string_view bytes, Step& step) {
  const std::string_view rest = bytes.substr(step.consumed);
  switch (state_) {
    case State::kSize:
      return take_size(rest, step);
    case State::kData:
      return take_data(rest, step);
    case State::kDataEnd:
      return take_data_end(rest, step);
    case State::kTrailers:
      return take_trailer(rest, step);
    case State::kDone:
    case State::kRefused:
      return false;
  }
  return false;
}

bool ChunkedDecoder::take_size(std::string_view rest, Step& step) {
  std::string_view line;
  if (!find_line(rest, kChunkLineBytes, line)) {
    return false;
  }
  const char* const end = line.data() + line.size();
  // from_chars takes neither a sign nor "0x" for an unsigned number, and finds the overflow.
  const auto [stopped, error] = std::from_chars(line.data(), end, left_, 16);
  if (error != std::errc()) {
    return refuse(400, "bad_chunk",
                  "the size of a chunk must be a plain hexadecimal number of at most 64 bits");
  }
  if (!check_extensions({stopped, static_cast<std::size_t>(end - stopped)})) {
    return false;
  }
  step.consumed += line.size() + 2;
  state_ = left_ == 0 ? State::kTrailers : State::kData;
  return true;
}

bool ChunkedDecoder::take_data(std::string_view rest, Step& step) {
  if (rest.empty()) {
    return false;
  }
  step.piece = rest.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size())));
  step.kind = Kind::kPiece;
  step.consumed += step.piece.size();
  left_ -= step.piece.size();
  if (left_ == 0) {
    state_ = State::kDataEnd;
  }
  return false;
}

bool ChunkedDecoder::take_data_end(std::string_view rest, Step& step) {
  constexpr std::string_view kEnd = "\r\n";
  if (rest.substr(0, kEnd.size()) != kEnd.substr(0, rest.size())) {
    return refuse(400, "bad_chunk", "a chunk is longer than its size says");
  }
  if (rest.size() < kEnd.size()) {
    return false;
  }
  step.consumed += kEnd.size();
  state_ = State::kSize;
  return true;
}

bool ChunkedDecoder::take_trailer(std::string_view rest, Step& step) {
  std::string_view line;
  if (!find_line(rest, header_bytes_ - trailer_bytes_, line)) {
    return false;
  }
  step.consumed += line.size() + 2;
  trailer_bytes_ += line.size() + 2;
  if (line.empty()) {
    state_ = State::kDone;
    return false;
  }
  return check_trailer(line);
}

bool ChunkedDecoder::find_line(std::string_view rest, std::size_t limit_bytes, std::string_view& line) {
  const std::size_t feed = rest.find('\n');
  const std::size_t bytes = std::min(feed, rest.size());
  if (bytes + 1 > limit_bytes) {
    return state_ == State::kTrailers
               ? refuse(431, "headers_too_large", "the trailers are larger than the limit on headers allows")
               : refuse(400, "bad_chunk", "the line of a chunk's size is longer than the limit allows");
  }
  if (feed == std::string_view::npos) {
    return false;
  }
  if (feed == 0 || rest[feed - 1] != '\r') {
    return refuse(400, "bad_chunk", "every line of a chunked body must end with CR LF");
  }
  line = rest.substr(0, feed - 1);
  return true;
}

bool ChunkedDecoder::check_extensions(std::string_view extensions) {
  extension_bytes_ += extensions.size();
  if (extension_bytes_ > header_bytes_) {
    return refuse(400, "chunk_extensions_too_large", "the chunk extensions are larger than the limit allows");
  }
  if ((!extensions.empty() && !trim(extensions).starts_with(';')) || has_control(extensions)) {
    return refuse(400, "bad_chunk", "the line of a chunk's size is malformed");
  }
  return true;
}

bool ChunkedDecoder::check_trailer(std::string_view line) {
  if (++trailers_ > header_count_) {
    return refuse(431, "too_many_headers", "there are more trailers than the limit on headers allows");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || has_control(line)) {
    return refuse(400, "bad_trailer", "a trailer must be NAME: VALUE without control characters");
  }
  return true;
}

bool ChunkedDecoder::refuse(int status, std::string_view reason, std::string message) {
  refusal_ = Refusal{status, reason, std::move(message)};
  state_ = State::kRefused;
  return false;
}

}  // namespace hearth::http
