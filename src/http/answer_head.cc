#include "http/answer_head.h"

#include <charconv>
#include <system_error>
#include <utility>

#include "http/text.h"

namespace hearth::http {
namespace {

constexpr std::string_view kEnd = "\r\n";

// "HTTP/1.1 200 OK"
bool read_status(std::string_view line, int& status) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 3) {
    return false;
  }
  const char* const digits = line.data() + kVersion.size();
  const auto [stopped, error] = std::from_chars(digits, digits + 3, status);
  const bool ends = line.size() == kVersion.size() + 3 || digits[3] == ' ';
  const bool known = status >= 100 && status <= 599;
  return error == std::errc() && stopped == digits + 3 && ends && known && !has_control(line);
}

bool read_length(std::string_view value, std::uint64_t& length) {
  const auto [stopped, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  return error == std::errc() && stopped == value.data() + value.size() && !value.empty();
}

// One line between fields' begin and the blank one. False when it is malformed.
bool read_field(std::string_view line, AnswerHead& head, bool& has_length) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return false;
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (has_control(value)) {
    return false;
  }
  if (equal_ignoring_case(name, "Content-Length")) {
    return !std::exchange(has_length, true) && read_length(value, head.content_length);
  }
  if (equal_ignoring_case(name, "Transfer-Encoding")) {
    head.chunked = true;
    return !std::exchange(has_length, true) && equal_ignoring_case(value, "chunked");
  }
  if (equal_ignoring_case(name, "Connection")) {
    head.keep_alive = !equal_ignoring_case(value, "close");
  }
  return true;
}

}  // namespace

std::optional<std::string_view> AnswerHead::header(std::string_view name) const {
  std::string_view rest = fields;
  while (!rest.empty()) {
    const std::size_t end = rest.find(kEnd);
    const std::string_view line = rest.substr(0, end);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        equal_ignoring_case(line.substr(0, name.size()), name)) {
      return trim(line.substr(name.size() + 1));
    }
    rest.remove_prefix(end + kEnd.size());
  }
  return std::nullopt;
}

HeadState read_answer_head(std::string_view bytes, AnswerHead& head) {
  const std::size_t blank = bytes.substr(0, kAnswerHeadBytes).find("\r\n\r\n");
  if (blank == std::string_view::npos) {
    return bytes.size() < kAnswerHeadBytes ? HeadState::kIncomplete : HeadState::kMalformed;
  }
  head = AnswerHead();
  head.bytes = blank + 2 * kEnd.size();
  std::string_view rest = bytes.substr(0, blank + kEnd.size());
  const std::size_t first = rest.find(kEnd);
  if (!read_status(rest.substr(0, first), head.status)) {
    return HeadState::kMalformed;
  }
  rest.remove_prefix(first + kEnd.size());
  head.fields = rest;
  bool has_length = false;
  while (!rest.empty()) {
    const std::size_t end = rest.find(kEnd);
    if (!read_field(rest.substr(0, end), head, has_length)) {
      return HeadState::kMalformed;
    }
    rest.remove_prefix(end + kEnd.size());
  }
  return HeadState::kComplete;
}

}  // namespace hearth::http
