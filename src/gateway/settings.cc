#include "gateway/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <string_view>

#include "base/ids.h"
#include "gateway/body_fields.h"
#include "model/runtime.h"

namespace hearth::gateway {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

constexpr std::size_t kHandlerBytes = 256;
constexpr std::size_t kDisplayNameBytes = 256;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<void> check_name(const std::string& name, const model::FunctionLimits& limits) {
  const bool characters = std::all_of(name.begin(), name.end(),
                                      [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
  if (name.empty() || name.size() > limits.name_bytes || !characters || !is_alphanumeric(name.front())) {
    return invalid(
        fmt::format("\"name\" takes 1 to {} letters, digits, '-' and '_', beginning with a letter or digit",
                    limits.name_bytes));
  }
  if (base::is_guid(name)) {
    return invalid("\"name\" may not look like a function id");
  }
  return {};
}

Result<void> check_handler(const std::string& handler) {
  const bool characters = std::all_of(handler.begin(), handler.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '/' || c == '$';
  });
  if (handler.empty() || handler.size() > kHandlerBytes || !characters || handler.front() == '/' ||
      handler.find("..") != std::string::npos) {
    return invalid(
        "\"handler\" is a file inside the zip, with the function's name behind a dot if it is not the "
        "default: "
        "\"index\", \"index.handler\", \"lib/orders.total\"");
  }
  return {};
}

Result<void> check_runtime(const std::string& runtime, const model::FunctionLimits& limits) {
  if (model::find_runtime(runtime) == nullptr) {
    std::string names;
    for (const model::Runtime& known : model::runtimes()) {
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", known.name);
    }
    return invalid(fmt::format("\"runtime\" is one of {}", names));
  }
  if (runtime == model::kPython && !limits.python) {
    return invalid(
        "\"runtime\": this server's host has no Python 3.11 or newer: install python3, or give the server "
        "--python "
        "PATH");
  }
  return {};
}

bool is_reserved_variable(std::string_view name) {
  // They would change how the runtime itself starts, or pass for the platform's own.
  return name.starts_with("LD_") || name.starts_with("HEARTH_") || name == "NODE_OPTIONS" ||
         name == "NODE_PATH" || name == "PATH" || name == "HOME";
}

Result<void> check_variable(std::string_view name, std::string_view value) {
  const bool characters =
      std::all_of(name.begin(), name.end(), [](char c) { return is_alphanumeric(c) || c == '_'; });
  const bool digit_first = !name.empty() && name.front() >= '0' && name.front() <= '9';
  if (name.empty() || !characters || digit_first) {
    return invalid(
        "\"environment\": a variable's name takes letters, digits and '_', and does not begin with a digit");
  }
  if (is_reserved_variable(name)) {
    return invalid(fmt::format("\"environment\": {} is reserved for the platform", name));
  }
  if (value.find('\0') != std::string_view::npos) {
    return invalid(fmt::format("\"environment\": the value of {} holds a NUL", name));
  }
  return {};
}

Result<std::map<std::string, std::string>> parse_environment(const boost::json::value& value,
                                                             const model::FunctionLimits& limits) {
  const auto* object = value.if_object();
  if (object == nullptr) {
    return invalid("\"environment\" is an object of strings");
  }
  std::map<std::string, std::string> environment;
  std::size_t bytes = 0;
  for (const auto& entry : *object) {
    const auto* text = entry.value().if_string();
    if (text == nullptr) {
      return invalid("\"environment\" is an object of strings");
    }
    if (auto checked = check_variable(entry.key(), *text); !checked) {
      return checked.error();
    }
    bytes += entry.key().size() + text->size();
    environment.emplace(entry.key(), *text);
  }
  if (bytes > limits.environment_bytes) {
    return invalid(fmt::format("\"environment\" holds {} bytes of names and values; the limit is {}", bytes,
                               limits.environment_bytes));
  }
  return environment;
}

// Reads the fields one by one; the first failure stays.
class Reader {
 public:
  explicit Reader(const boost::json::object& fields) : fields_(fields) {}

  std::optional<std::string> text(std::string_view field) {
    const auto* value = given(fields_, field);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (const auto* string = value->if_string()) {
      return std::string(*string);
    }
    fail(invalid(fmt::format("\"{}\" is a string", field)));
    return std::nullopt;
  }

  std::optional<std::uint32_t> number(std::string_view field, std::uint32_t least, std::uint32_t most,
                                      std::string_view unit) {
    const auto* value = given(fields_, field);
    if (value == nullptr) {
      return std::nullopt;
    }
    boost::system::error_code error;
    const auto whole = value->is_number() ? value->to_number<std::int64_t>(error) : -1;
    if (!value->is_number() || error || whole < least || whole > most) {
      fail(invalid(fmt::format("\"{}\" is a whole number from {} to {}{}", field, least, most, unit)));
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(whole);
  }

  void check(const Result<void>& checked) {
    if (!checked) {
      fail(checked.error());
    }
  }
  void fail(Error error) {
    if (!error_) {
      error_ = std::move(error);
    }
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const boost::json::object& fields_;
  std::optional<Error> error_;
};

}  // namespace

Result<Settings> parse_settings(const boost::json::object& fields, const model::FunctionLimits& limits) {
  Reader reader(fields);
  Settings settings;
  settings.name = reader.text("name");
  settings.display_name = reader.text("displayName");
  settings.runtime = reader.text("runtime");
  settings.handler = reader.text("handler");
  settings.memory_mb = reader.number("memorySize", limits.memory_min_mb, limits.memory_max_mb, " (MB)");
  settings.timeout_ms = reader.number("timeout", 1, limits.timeout_max_ms, " (ms)");
  settings.concurrency = reader.number("concurrency", 1, limits.concurrency_max, "");
  if (settings.name) {
    reader.check(check_name(*settings.name, limits));
  }
  if (settings.display_name &&
      (settings.display_name->size() > kDisplayNameBytes || has_control_character(*settings.display_name))) {
    reader.fail(invalid(
        fmt::format("\"displayName\" takes up to {} bytes and no control characters", kDisplayNameBytes)));
  }
  if (settings.runtime) {
    reader.check(check_runtime(*settings.runtime, limits));
  }
  if (settings.handler) {
    reader.check(check_handler(*settings.handler));
  }
  if (const auto* value = given(fields, "environment")) {
    auto environment = parse_environment(*value, limits);
    if (environment) {
      settings.environment = std::move(*environment);
    } else {
      reader.fail(environment.error());
    }
  }
  if (reader.error()) {
    return *reader.error();
  }
  return settings;
}

void apply(const Settings& settings, model::Version& version) {
  version.runtime = settings.runtime.value_or(version.runtime);
  version.handler = settings.handler.value_or(version.handler);
  version.memory_mb = settings.memory_mb.value_or(version.memory_mb);
  version.timeout_ms = settings.timeout_ms.value_or(version.timeout_ms);
  version.concurrency = settings.concurrency.value_or(version.concurrency);
  version.environment = settings.environment.value_or(version.environment);
}

}  // namespace hearth::gateway
