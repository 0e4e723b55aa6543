#include "bench/load/response_scanner.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace hearth::bench {
namespace {

bool is_named(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         ::strncasecmp(line.data(), name.data(), name.size()) == 0;
}

std::string_view value_of(std::string_view line, std::size_t name_size) {
  line.remove_prefix(name_size + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
    line.remove_prefix(1);
  }
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) {
    line.remove_suffix(1);
  }
  return line;
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr std::string_view kHeadEnd = "\r\n\r\n";

}  // namespace

void ResponseScanner::reset() {
  state_ = State::kHead;
  chunk_ = Chunk::kSize;
  status_ = 0;
  keep_alive_ = true;
  chunked_ = has_length_ = has_digit_ = false;
  left_ = body_bytes_ = 0;
  carried_.clear();
  begin_size_ = end_size_ = instance_size_ = 0;
}

std::size_t ResponseScanner::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done() && !broken()) {
    const std::string_view rest = bytes.substr(used);
    switch (state_) {
      case State::kHead:
        used += feed_head(rest);
        break;
      case State::kLength:
      case State::kToEnd:
        used += feed_data(rest);
        break;
      case State::kChunks:
        used += feed_chunks(rest);
        break;
      case State::kDone:
      case State::kBroken:
        break;
    }
  }
  return used;
}

bool ResponseScanner::end() {
  if (state_ == State::kToEnd) {
    state_ = State::kDone;
  } else if (state_ != State::kDone) {
    state_ = State::kBroken;
  }
  return done();
}

std::size_t ResponseScanner::feed_head(std::string_view bytes) {
  if (carried_.empty()) {
    const std::size_t end = bytes.find(kHeadEnd);
    if (end != std::string_view::npos) {
      read_head(bytes.substr(0, end + 2));
      return end + kHeadEnd.size();
    }
  }
  const std::size_t before = carried_.size();
  carried_.append(bytes);
  const std::size_t end = carried_.find(kHeadEnd, before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (carried_.size() > kHeadBytes) {
      state_ = State::kBroken;
    }
    return bytes.size();
  }
  read_head(std::string_view(carried_).substr(0, end + 2));
  carried_.clear();
  return end + kHeadEnd.size() - before;
}

void ResponseScanner::read_head(std::string_view head) {
  bool first = true;
  while (!head.empty() && !broken()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    if (first && !read_status_line(line)) {
      state_ = State::kBroken;
    } else if (!first) {
      read_header(line);
    }
    first = false;
    head.remove_prefix(end + 2);
  }
  if (!broken()) {
    begin_body();
  }
}

bool ResponseScanner::read_status_line(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12) {
    return false;
  }
  keep_alive_ = line[7] == '1';
  const auto [end, failed] = std::from_chars(line.data() + 9, line.data() + 12, status_);
  return failed == std::errc() && end == line.data() + 12 && status_ >= 100;
}

void ResponseScanner::read_header(std::string_view line) {
  constexpr std::string_view kLength = "content-length";
  constexpr std::string_view kCoding = "transfer-encoding";
  constexpr std::string_view kConnection = "connection";
  constexpr std::string_view kInstance = "x-hearth-instance";
  if (is_named(line, kLength)) {
    const std::string_view value = value_of(line, kLength.size());
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), left_);
    has_length_ = true;
    if (failed != std::errc() || end != value.data() + value.size()) {
      state_ = State::kBroken;
    }
  } else if (is_named(line, kCoding)) {
    chunked_ = same(value_of(line, kCoding.size()), "chunked");
  } else if (is_named(line, kConnection)) {
    const std::string_view value = value_of(line, kConnection.size());
    keep_alive_ = same(value, "keep-alive") || (keep_alive_ && !same(value, "close"));
  } else if (is_named(line, kInstance)) {
    const std::string_view value = value_of(line, kInstance.size()).substr(0, instance_.size());
    std::ranges::copy(value, instance_.begin());
    instance_size_ = value.size();
  }
}

void ResponseScanner::begin_body() {
  if (status_ < 200) {  // an interim answer: the real one follows
    reset();
  } else if (status_ == 204 || status_ == 304) {
    state_ = State::kDone;
  } else if (chunked_) {
    state_ = State::kChunks;
    left_ = 0;
  } else if (has_length_) {
    state_ = left_ == 0 ? State::kDone : State::kLength;
  } else {
    state_ = State::kToEnd;
    keep_alive_ = false;
  }
}

std::size_t ResponseScanner::feed_data(std::string_view bytes) {
  if (state_ == State::kToEnd) {
    keep(bytes);
    return bytes.size();
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  keep(bytes.substr(0, size));
  left_ -= size;
  if (left_ == 0) {
    state_ = State::kDone;
  }
  return size;
}

std::size_t ResponseScanner::feed_chunks(std::string_view bytes) {
  if (chunk_ != Chunk::kData) {
    take_chunk_byte(bytes.front());
    return 1;
  }
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  keep(bytes.substr(0, size));
  left_ -= size;
  if (left_ == 0) {
    chunk_ = Chunk::kDataEnd;
  }
  return size;
}

void ResponseScanner::take_size_byte(char byte) {
  if (const int digit = hex_digit(byte); digit >= 0 && left_ >> 56U == 0) {
    left_ = left_ * 16 + static_cast<unsigned>(digit);
    has_digit_ = true;
  } else if (!has_digit_ || (byte != ';' && byte != '\r' && byte != ' ')) {
    state_ = State::kBroken;
  } else {
    chunk_ = Chunk::kExtension;
  }
}

void ResponseScanner::take_chunk_byte(char byte) {
  switch (chunk_) {
    case Chunk::kSize:
      take_size_byte(byte);
      break;
    case Chunk::kExtension:
      if (byte == '\n') {
        chunk_ = left_ == 0 ? Chunk::kTrailer : Chunk::kData;
        has_digit_ = false;
      }
      break;
    case Chunk::kDataEnd:
      if (byte == '\n') {
        chunk_ = Chunk::kSize;
      } else if (byte != '\r') {
        state_ = State::kBroken;
      }
      break;
    case Chunk::kTrailer:
      if (byte == '\n') {
        state_ = State::kDone;
      } else if (byte != '\r') {
        chunk_ = Chunk::kTrailerLine;
      }
      break;
    case Chunk::kTrailerLine:
      if (byte == '\n') {
        chunk_ = Chunk::kTrailer;
      }
      break;
    case Chunk::kData:
      break;
  }
}

void ResponseScanner::keep(std::string_view piece) {
  body_bytes_ += piece.size();
  const std::size_t first = std::min(piece.size(), begin_.size() - begin_size_);
  std::memcpy(begin_.data() + begin_size_, piece.data(), first);
  begin_size_ += first;
  if (piece.size() >= end_.size()) {
    std::memcpy(end_.data(), piece.data() + piece.size() - end_.size(), end_.size());
    end_size_ = end_.size();
    return;
  }
  const std::size_t stay = std::min(end_size_, end_.size() - piece.size());
  std::memmove(end_.data(), end_.data() + end_size_ - stay, stay);
  std::memcpy(end_.data() + stay, piece.data(), piece.size());
  end_size_ = stay + piece.size();
}

}  // namespace hearth::bench
