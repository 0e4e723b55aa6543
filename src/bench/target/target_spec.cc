#include "bench/target/target_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace hearth::bench {
namespace {

using base::Error;
using base::ErrorCode;

struct Kind {
  std::string_view name;
  TargetKind kind;
  std::string_view keys;  // with a space on each side
};

constexpr std::array kKinds = {
    Kind{"hearth", TargetKind::kHearth, " concurrency function memory name serve sleep "},
    Kind{"http", TargetKind::kHttp, " "},
    Kind{"node", TargetKind::kNode, " function name sleep "},
    Kind{"nginx", TargetKind::kNginx, " function name "},
    Kind{"workerd", TargetKind::kWorkerd, " function name sleep "},
};

using Setting = std::pair<std::string, std::string>;

// One value, and what is behind it: up to a comma, or what quotes hold.
base::Result<std::string> take_value(std::string_view& rest) {
  if (rest.empty() || rest.front() != '"') {
    const std::string value(rest.substr(0, rest.find(',')));
    rest.remove_prefix(value.size());
    return value;
  }
  const std::size_t end = rest.find('"', 1);
  if (end == std::string_view::npos || (end + 1 < rest.size() && rest[end + 1] != ',')) {
    return Error{ErrorCode::kInvalidArgument, "a quote is not closed"};
  }
  const std::string value(rest.substr(1, end - 1));
  rest.remove_prefix(end + 1);
  return value;
}

base::Result<std::vector<Setting>> split_settings(std::string_view rest) {
  std::vector<Setting> settings;
  while (!rest.empty()) {
    const std::string key(rest.substr(0, rest.find_first_of("=,")));
    rest.remove_prefix(key.size());
    std::string value;
    if (rest.starts_with('=')) {
      rest.remove_prefix(1);
      auto taken = take_value(rest);
      if (!taken) {
        return taken.error();
      }
      value = std::move(*taken);
    } else if (key != "serve") {  // the one key that may stand alone: a server without flags of its own
      return Error{ErrorCode::kInvalidArgument, fmt::format("'{}' is not key=value", key)};
    }
    settings.emplace_back(key, value);
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
    }
  }
  return settings;
}

base::Result<std::uint32_t> number(const Setting& setting, std::uint32_t lowest, std::uint32_t highest) {
  const auto& [key, text] = setting;
  std::uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < lowest || value > highest) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}={}: it is a whole number from {} to {}", key, text, lowest, highest)};
  }
  return value;
}

base::Result<void> set_number(const Setting& setting, std::uint32_t lowest, std::uint32_t highest,
                              std::optional<std::uint32_t>& out) {
  const auto value = number(setting, lowest, highest);
  if (!value) {
    return value.error();
  }
  out = *value;
  return {};
}

base::Result<void> apply(const Setting& setting, TargetSpec& spec) {
  const auto& [key, value] = setting;
  if (key == "memory") {
    return set_number(setting, 1, 1U << 20U, spec.memory_mb);
  }
  if (key == "concurrency") {
    return set_number(setting, 1, 100'000, spec.concurrency);
  }
  if (key == "sleep") {
    spec.function = FunctionKind::kSleep;
    return set_number(setting, 0, 600'000, spec.sleep_ms);
  }
  if (key == "serve") {
    spec.serve_flags = value;
    const auto words = split_words(value);
    return words ? base::Result<void>() : words.error();
  }
  if (key == "name") {
    spec.name = value;
    return value.empty() ? Error{ErrorCode::kInvalidArgument, "name= is empty"} : base::Result<void>();
  }
  const auto function = parse_function_kind(value);
  if (!function) {
    return function.error();
  }
  spec.function = *function;
  return {};
}

Error in_target(std::string_view text, const std::string& message) {
  return {ErrorCode::kInvalidArgument, fmt::format("target '{}': {}", text, message)};
}

TargetSpec http_spec(std::string_view url) {
  TargetSpec spec;
  spec.kind = TargetKind::kHttp;
  spec.url = url;
  spec.name = url.starts_with("http://") ? url.substr(7) : url;
  return spec;
}

}  // namespace

std::string_view to_string(FunctionKind kind) {
  switch (kind) {
    case FunctionKind::kHello:
      return "hello";
    case FunctionKind::kEcho:
      return "echo";
    case FunctionKind::kSleep:
      return "sleep";
  }
  return "";
}

base::Result<FunctionKind> parse_function_kind(std::string_view text) {
  for (const auto kind : {FunctionKind::kHello, FunctionKind::kEcho, FunctionKind::kSleep}) {
    if (text == to_string(kind)) {
      return kind;
    }
  }
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("there is no test function '{}' (there are: hello, echo, sleep)", text)};
}

base::Result<TargetSpec> parse_target(std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://")) {
    return http_spec(text);
  }
  const std::string_view kind_name = text.substr(0, text.find(':'));
  const auto kind = std::ranges::find(kKinds, kind_name, &Kind::name);
  if (kind == kKinds.end()) {
    return in_target(text, "it is unknown (there are: hearth, node, nginx, workerd, http:URL)");
  }
  const std::string_view rest = kind_name.size() == text.size() ? "" : text.substr(kind_name.size() + 1);
  if (kind->kind == TargetKind::kHttp) {
    return rest.empty() ? base::Result<TargetSpec>(in_target(text, "a URL is missing: http:URL"))
                        : http_spec(rest);
  }
  const auto settings = split_settings(rest);
  if (!settings) {
    return in_target(text, settings.error().message);
  }
  TargetSpec spec;
  spec.kind = kind->kind;
  spec.name = kind_name;
  for (const Setting& setting : *settings) {
    if (kind->keys.find(fmt::format(" {} ", setting.first)) == std::string_view::npos) {
      return in_target(text, fmt::format("'{}' is no key of it (there are:{})", setting.first,
                                         kind->keys.substr(0, kind->keys.size() - 1)));
    }
    if (const auto applied = apply(setting, spec); !applied) {
      return in_target(text, applied.error().message);
    }
  }
  return spec;
}

base::Result<std::vector<TargetSpec>> parse_targets(const std::vector<std::string>& texts) {
  std::vector<TargetSpec> specs;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    auto spec = parse_target(text);
    if (!spec) {
      return spec.error();
    }
    if (!names.insert(spec->name).second) {
      return in_target(text, fmt::format("another one is named '{}': tell them apart by name=", spec->name));
    }
    specs.push_back(std::move(*spec));
  }
  return specs;
}

base::Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t') {
      if (in_word) {
        words.push_back(std::exchange(word, {}));
      }
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) {
    return Error{ErrorCode::kInvalidArgument, "a quote is not closed"};
  }
  if (in_word) {
    words.push_back(word);
  }
  return words;
}

}  // namespace hearth::bench
