#include "http/response_reader.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <utility>

namespace hearth::http {
namespace {

namespace beast_http = boost::beast::http;
using BeastError = boost::beast::error_code;

base::Error to_error(const BeastError& error) {
  if (error == beast_http::error::body_limit) {
    return {base::ErrorCode::kTooLarge,
            "the answer is larger than " + std::to_string(kResponseBodyBytes) + " bytes"};
  }
  if (error == beast_http::error::header_limit) {
    return {base::ErrorCode::kTooLarge,
            "the answer's headers are larger than " + std::to_string(kResponseHeadBytes) + " bytes"};
  }
  return {base::ErrorCode::kCorrupt, "the answer is not HTTP/1.1: " + error.message()};
}

}  // namespace

class ResponseReader::Grammar {
 public:
  explicit Grammar(bool head_only) {
    parser.body_limit(kResponseBodyBytes);
    parser.header_limit(kResponseHeadBytes);
    parser.eager(true);
    parser.skip(head_only);
  }

  beast_http::response_parser<beast_http::string_body> parser;
};

ResponseReader::ResponseReader(bool head_only)
    : head_only_(head_only), grammar_(std::make_unique<Grammar>(head_only)) {}
ResponseReader::~ResponseReader() = default;

base::Result<std::size_t> ResponseReader::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done()) {
    auto& parser = grammar_->parser;
    BeastError error;
    const std::size_t step = parser.put({bytes.data() + used, bytes.size() - used}, error);
    used += step;
    if (error && error != beast_http::error::need_more) {
      return to_error(error);
    }
    if (parser.is_done() && parser.get().result_int() / 100 == 1) {
      grammar_ = std::make_unique<Grammar>(head_only_);
    } else if (step == 0) {
      break;
    }
  }
  return used;
}

base::Result<void> ResponseReader::end() {
  if (!done() && started()) {
    BeastError error;
    grammar_->parser.put_eof(error);
  }
  if (!done()) {
    return base::Error{base::ErrorCode::kIo, "the connection was closed before the answer was complete"};
  }
  return {};
}

bool ResponseReader::started() const { return grammar_->parser.got_some(); }
bool ResponseReader::done() const { return grammar_->parser.is_done(); }
bool ResponseReader::keep_alive() const { return grammar_->parser.keep_alive(); }

ClientResponse ResponseReader::take() {
  auto message = grammar_->parser.release();
  ClientResponse response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  response.body = std::move(message.body());
  return response;
}

}  // namespace hearth::http
