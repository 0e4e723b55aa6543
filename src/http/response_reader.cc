#include "http/response_reader.h"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <string>
#include <utility>

namespace hearth::http {
namespace {

namespace beast_http = boost::beast::http;
using BeastError = boost::beast::error_code;

base::Error too_large(std::string_view what, std::size_t limit_bytes) {
  return {base::ErrorCode::kTooLarge,
          "the answer's " + std::string(what) + " is larger than " + std::to_string(limit_bytes) + " bytes"};
}

}  // namespace

class ResponseReader::Grammar {
 public:
  Grammar() {
    parser.body_limit(boost::none);  // bodies are not given to Beast
    parser.header_limit(kResponseHeadBytes);
    parser.eager(false);
  }

  beast_http::response_parser<beast_http::empty_body> parser;
};

ResponseReader::ResponseReader(bool head_only)
    : head_only_(head_only), grammar_(std::make_unique<Grammar>()) {}
ResponseReader::~ResponseReader() = default;

base::Result<std::size_t> ResponseReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done()) {
    const std::string_view rest = bytes.substr(used);
    auto step = state_ == State::kHead ? feed_head(rest) : feed_body(rest);
    if (!step) {
      return step;
    }
    if (*step == 0) {
      break;
    }
    used += *step;
  }
  return used;
}

base::Result<std::size_t> ResponseReader::feed_head(std::string_view bytes) {
  BeastError error;
  const std::size_t used = grammar_->parser.put({bytes.data(), bytes.size()}, error);
  if (error == beast_http::error::header_limit) {
    return too_large("head", kResponseHeadBytes);
  }
  if (error && error != beast_http::error::need_more) {
    return base::Error{base::ErrorCode::kCorrupt, "the answer is not HTTP/1.1: " + error.message()};
  }
  if (grammar_->parser.is_header_done()) {
    if (const auto begun = begin_body(); !begun) {
      return begun.error();
    }
  }
  return used;
}

base::Result<void> ResponseReader::begin_body() {
  const auto& message = grammar_->parser.get();
  const unsigned status = message.result_int();
  if (status / 100 == 1) {  // interim: the answer proper follows
    grammar_ = std::make_unique<Grammar>();
    return {};
  }
  response_.status = static_cast<int>(status);
  for (const auto& field : message) {
    response_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  keep_alive_ = grammar_->parser.keep_alive();
  if (head_only_ || status == 204 || status == 304) {
    state_ = State::kDone;
  } else if (grammar_->parser.chunked()) {
    state_ = State::kChunks;
  } else if (const auto length = grammar_->parser.content_length()) {
    body_left_ = *length;
    state_ = body_left_ == 0 ? State::kDone : State::kLength;
  } else {
    state_ = State::kToEnd;
  }
  return body_left_ > kResponseBodyBytes ? too_large("body", kResponseBodyBytes) : base::Result<void>();
}

base::Result<std::size_t> ResponseReader::feed_body(std::string_view bytes) {
  std::string_view piece = bytes;
  std::size_t used = bytes.size();
  if (state_ == State::kLength) {
    used = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
    piece = bytes.substr(0, used);
    body_left_ -= used;
    state_ = body_left_ == 0 ? State::kDone : State::kLength;
  } else if (state_ == State::kChunks) {
    const ChunkedDecoder::Step step = chunks_.next(bytes);
    if (step.kind == ChunkedDecoder::Kind::kRefused) {
      return base::Error{base::ErrorCode::kCorrupt, "the answer is malformed: " + chunks_.refusal().message};
    }
    piece = step.piece;
    used = step.consumed;
    state_ = step.kind == ChunkedDecoder::Kind::kEnd ? State::kDone : State::kChunks;
  }
  if (response_.body.size() + piece.size() > kResponseBodyBytes) {
    return too_large("body", kResponseBodyBytes);
  }
  response_.body.append(piece);
  return used;
}

base::Result<void> ResponseReader::end() {
  if (state_ == State::kToEnd) {
    state_ = State::kDone;
    keep_alive_ = false;
  }
  if (!done()) {
    return base::Error{base::ErrorCode::kIo, "the connection was closed before the answer was complete"};
  }
  return {};
}

}  // namespace hearth::http
