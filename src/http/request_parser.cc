#include "http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <limits>
#include <utility>

#include "http/text.h"

namespace hearth::http {
namespace {

namespace beast_http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastText = boost::beast::string_view;

// Method and version around the longest target.
constexpr std::size_t kRequestLineSlack = 64;

// What a connection keeps room for between two requests.
constexpr std::size_t kKeptHeaders = 16;
constexpr std::size_t kKeptTargetBytes = 256;

std::string_view to_view(BeastText text) { return {text.data(), text.size()}; }

Method to_method(beast_http::verb verb) {
  switch (verb) {
    case beast_http::verb::get:
      return Method::kGet;
    case beast_http::verb::head:
      return Method::kHead;
    case beast_http::verb::post:
      return Method::kPost;
    case beast_http::verb::put:
      return Method::kPut;
    case beast_http::verb::patch:
      return Method::kPatch;
    case beast_http::verb::delete_:
      return Method::kDelete;
    case beast_http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

// What a client can do something about, in its own words.
Refusal to_refusal(const BeastError& error) {
  if (error == beast_http::error::bad_content_length || error == beast_http::error::multiple_content_length) {
    return {400, "bad_content_length",
            "Content-Length must be one plain number, given once and not beside Transfer-Encoding"};
  }
  if (error == beast_http::error::bad_transfer_encoding) {
    return {400, "bad_transfer_encoding",
            "Transfer-Encoding must be \"chunked\", given once and not beside Content-Length"};
  }
  if (error == beast_http::error::bad_field) {
    return {400, "bad_header_name",
            "a header name is empty, holds a character it may not, or has no colon behind it"};
  }
  if (error == beast_http::error::bad_value) {
    return {400, "bad_header_value", "a header value holds a character it may not"};
  }
  return {400, "bad_request", "the request is malformed: " + error.message()};
}

}  // namespace

// Fills the head and remembers what the strict checks ask about.
class RequestParser::Grammar final : public beast_http::basic_parser<true> {
 public:
  explicit Grammar(RequestParser& owner) : owner_(owner) {
    // The bounds are kept outside: RequestParser's on the head, the connection's on the body.
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
    eager(false);
  }

  bool head_done = false;

 private:
  void on_request_impl(beast_http::verb verb, BeastText, BeastText target, int version,
                       BeastError&) override {
    owner_.head_.method = to_method(verb);
    owner_.head_.target.assign(target.data(), target.size());
    owner_.facts_.http11 = version == 11;
  }

  void on_response_impl(int, BeastText, int, BeastError&) override {}

  void on_field_impl(beast_http::field field, BeastText name, BeastText value, BeastError&) override {
    switch (field) {
      case beast_http::field::host:
        ++owner_.facts_.hosts;
        break;
      case beast_http::field::content_length:
        ++owner_.facts_.lengths;
        break;
      case beast_http::field::transfer_encoding:
        ++owner_.facts_.codings;
        break;
      case beast_http::field::expect:
        ++owner_.facts_.expectations;
        break;
      default:
        break;
    }
    owner_.head_.headers.push_back({std::string(to_view(name)), std::string(to_view(value))});
  }

  void on_header_impl(BeastError&) override { head_done = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
  // Bodies are not given to Beast.
  std::size_t on_body_impl(BeastText, BeastError&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastText, BeastError&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText, BeastError&) override { return 0; }
  void on_finish_impl(BeastError&) override {}

  RequestParser& owner_;
};

RequestParser::RequestParser(HeadLimits limits)
    : limits_(limits),
      grammar_(std::make_unique<Grammar>(*this)),
      chunks_(limits.header_bytes, limits.header_count) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
  // Beast's parser serves one message; a new one in the same place costs no memory.
  std::destroy_at(grammar_.get());
  std::construct_at(grammar_.get(), *this);
  head_.target.clear();
  head_.headers.clear();
  head_.content_length.reset();
  head_.chunked = false;
  refusal_ = Refusal();
  facts_ = Facts();
  chunks_.reset();
  body_left_ = 0;
  head_done_ = chunked_ = finished_ = keep_alive_ = expects_continue_ = false;
  leading_lines_ = 0;
  scanned_ = line_start_ = head_end_ = 0;
  lines_ = 0;
}

void RequestParser::take_memory(RequestHead&& used) {
  const bool small = used.headers.capacity() <= kKeptHeaders && used.target.capacity() <= kKeptTargetBytes;
  if (small && head_.headers.capacity() == 0 && head_.target.empty()) {
    used.headers.clear();
    used.target.clear();
    head_.headers.swap(used.headers);
    head_.target.swap(used.target);
  }
}

RequestParser::Step RequestParser::next(std::string_view bytes) {
  if (refusal_.reason.empty()) {
    return head_done_ ? next_body(bytes) : next_head(bytes);
  }
  return refused();
}

RequestParser::Step RequestParser::next_head(std::string_view bytes) {
  if (scanned_ == 0 && leading_lines_ < kLeadingEmptyLines && bytes.starts_with('\r')) {
    if (bytes.size() == 1) {
      return {};
    }
    if (bytes[1] == '\n') {
      ++leading_lines_;
      Step step = next_head(bytes.substr(2));
      step.consumed += 2;
      return step;
    }
  }
  switch (scan_head(bytes)) {
    case HeadScan::kIncomplete:
      return {};
    case HeadScan::kRefused:
      return refused();
    case HeadScan::kComplete:
      break;
  }
  if (!parse_head(bytes.substr(0, head_end_)) || !check_head()) {
    return refused();
  }
  head_done_ = true;
  return {Kind::kHead, head_end_, {}};
}

// Finds the empty line, and on the way the two things that Beast lets pass or cannot tell apart.
RequestParser::HeadScan RequestParser::scan_head(std::string_view bytes) {
  while (scanned_ < bytes.size()) {
    const void* found = std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_);
    if (found == nullptr) {
      scanned_ = bytes.size();
      break;
    }
    const auto line_end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    scanned_ = line_end + 1;
    const HeadScan result = scan_line(bytes, line_end);
    if (result != HeadScan::kIncomplete) {
      return result;
    }
  }
  return hold_limits(bytes.size());
}

// `bytes` of the head are here, and its end is not.
RequestParser::HeadScan RequestParser::hold_limits(std::size_t bytes) {
  if (lines_ == 0 && bytes > limits_.target_bytes + kRequestLineSlack) {
    refuse(
        414, "target_too_long",
        "the request line is too long: a target may have " + std::to_string(limits_.target_bytes) + " bytes");
    return HeadScan::kRefused;
  }
  if (bytes > limits_.header_bytes) {
    refuse(431, "headers_too_large",
           "the headers are larger than " + std::to_string(limits_.header_bytes) + " bytes");
    return HeadScan::kRefused;
  }
  return HeadScan::kIncomplete;
}

RequestParser::HeadScan RequestParser::scan_line(std::string_view bytes, std::size_t line_end) {
  if (line_end == line_start_ || bytes[line_end - 1] != '\r') {
    refuse(400, "bare_line_feed", "every line of the head must end with CR LF");
    return HeadScan::kRefused;
  }
  if (lines_ > 0 && (bytes[line_start_] == ' ' || bytes[line_start_] == '\t')) {
    refuse(400, "folded_header", "a header may not be folded over several lines");
    return HeadScan::kRefused;
  }
  const bool empty = line_end == line_start_ + 1;
  line_start_ = line_end + 1;
  if (hold_limits(line_start_) == HeadScan::kRefused) {
    return HeadScan::kRefused;
  }
  if (empty && lines_ == 0) {
    refuse(400, "bad_request_line", "the request begins with empty lines");
    return HeadScan::kRefused;
  }
  if (empty) {
    head_end_ = line_start_;
    return HeadScan::kComplete;
  }
  if (lines_ > limits_.header_count) {
    refuse(431, "too_many_headers",
           "there are more than " + std::to_string(limits_.header_count) + " headers");
    return HeadScan::kRefused;
  }
  ++lines_;
  return HeadScan::kIncomplete;
}

bool RequestParser::parse_head(std::string_view bytes) {
  if (head_.headers.capacity() == 0) {
    head_.headers.reserve(lines_ - 1);
  }
  BeastError error;
  const std::size_t used = grammar_->put({bytes.data(), bytes.size()}, error);
  if (error == beast_http::error::bad_version || error == beast_http::error::bad_target ||
      error == beast_http::error::bad_method) {
    refusal_ = start_line_refusal(bytes);
    return false;
  }
  if (error) {
    refusal_ = to_refusal(error);
    return false;
  }
  if (used != bytes.size() || !grammar_->head_done) {
    return refuse(400, "bad_request", "the head of the request is malformed");
  }
  keep_alive_ = grammar_->keep_alive();
  finished_ = grammar_->is_done();
  head_.chunked = chunked_ = grammar_->chunked();
  if (const auto length = grammar_->content_length()) {
    head_.content_length = *length;
    body_left_ = *length;
  }
  return true;
}

RequestParser::Step RequestParser::next_body(std::string_view bytes) {
  if (finished_) {
    return {Kind::kEnd, 0, {}};
  }
  if (chunked_) {
    return next_chunk(bytes);
  }
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
  body_left_ -= taken;
  finished_ = body_left_ == 0;
  return {taken == 0 ? Kind::kNeedMore : Kind::kBody, taken, bytes.substr(0, taken)};
}

RequestParser::Step RequestParser::next_chunk(std::string_view bytes) {
  const ChunkedDecoder::Step step = chunks_.next(bytes);
  switch (step.kind) {
    case ChunkedDecoder::Kind::kNeedMore:
      return {Kind::kNeedMore, step.consumed, {}};
    case ChunkedDecoder::Kind::kPiece:
      return {Kind::kBody, step.consumed, step.piece};
    case ChunkedDecoder::Kind::kEnd:
      finished_ = true;
      return {Kind::kEnd, step.consumed, {}};
    case ChunkedDecoder::Kind::kRefused:
      break;
  }
  refusal_ = chunks_.refusal();
  return refused();
}

bool RequestParser::refuse(int status, std::string_view reason, std::string message) {
  refusal_ = Refusal{status, reason, std::move(message)};
  return false;
}

RequestParser::Step RequestParser::refused() {
  keep_alive_ = false;
  return {Kind::kRefused, 0, {}};
}

}  // namespace hearth::http
