#include "base/json_text.h"

#include <algorithm>
#include <cstddef>

namespace hearth::base {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::size_t skip_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

// The end of the string that opens at `at`; npos when it is not closed.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// The end of the token at `at`: a string, one of {}[],: or a run of anything else.
std::size_t token_end(std::string_view text, std::size_t at) {
  if (text[at] == '"') {
    return string_end(text, at);
  }
  constexpr std::string_view kMarks = "{}[],:";
  if (kMarks.find(text[at]) != std::string_view::npos) {
    return at + 1;
  }
  return std::min(text.find_first_of("{}[],:\" \t\r\n", at), text.size());
}

// The end of the value at `at`; npos when it is not complete.
std::size_t value_end(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  while ((at = skip_space(text, at)) < text.size()) {
    const char first = text[at];
    if (first == '{' || first == '[') {
      ++depth;
    } else if (first == '}' || first == ']') {
      if (depth == 0) {
        return std::string_view::npos;
      }
      --depth;
    }
    at = token_end(text, at);
    if (at == std::string_view::npos || depth == 0) {
      return at;
    }
  }
  return std::string_view::npos;
}

// Writes tokens one by one, with line ends where the structure has them.
class Indenter {
 public:
  void token(std::string_view text) {
    const char first = text.front();
    if (first == '}' || first == ']') {
      --depth_;
      if (!just_opened_) {
        new_line();
      }
    } else if (just_opened_) {
      new_line();
    }
    just_opened_ = first == '{' || first == '[';
    out_ += text;
    if (just_opened_) {
      ++depth_;
    } else if (first == ',') {
      new_line();
    } else if (first == ':') {
      out_ += ' ';
    }
  }
  bool can_close() const { return depth_ > 0; }
  bool balanced() const { return depth_ == 0; }
  std::string take() { return std::move(out_); }

 private:
  void new_line() { out_.append(1, '\n').append(depth_ * 2, ' '); }

  std::string out_;
  std::size_t depth_ = 0;
  bool just_opened_ = false;
};

}  // namespace

std::string pretty_json(std::string_view json) {
  Indenter indenter;
  std::size_t at = 0;
  while ((at = skip_space(json, at)) < json.size()) {
    const std::size_t end = token_end(json, at);
    const bool closes = json[at] == '}' || json[at] == ']';
    if (end == std::string_view::npos || (closes && !indenter.can_close())) {
      return std::string(json);
    }
    indenter.token(json.substr(at, end - at));
    at = end;
  }
  return indenter.balanced() ? indenter.take() : std::string(json);
}

std::optional<std::string_view> json_member(std::string_view object, std::string_view name) {
  std::size_t at = skip_space(object, 0);
  if (at >= object.size() || object[at] != '{') {
    return std::nullopt;
  }
  ++at;
  while ((at = skip_space(object, at)) < object.size() && object[at] == '"') {
    const std::size_t name_end = string_end(object, at);
    const std::size_t colon = name_end == std::string_view::npos ? name_end : skip_space(object, name_end);
    if (colon >= object.size() || object[colon] != ':') {
      return std::nullopt;
    }
    const std::size_t begin = skip_space(object, colon + 1);
    const std::size_t end = value_end(object, begin);
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    if (object.substr(at + 1, name_end - at - 2) == name) {
      return object.substr(begin, end - begin);
    }
    at = skip_space(object, end);
    if (at >= object.size() || object[at] != ',') {
      return std::nullopt;
    }
    ++at;
  }
  return std::nullopt;
}

bool looks_like_json(std::string_view text) {
  const std::size_t at = skip_space(text, 0);
  return at < text.size() && (text[at] == '{' || text[at] == '[');
}

}  // namespace hearth::base
