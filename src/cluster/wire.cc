#include "cluster/wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "base/words.h"
#include "cluster/fields.h"

namespace hearth::cluster {
namespace {

using base::number_of;
using base::take_word;

// More than an environment's bytes hold, a variable having one at least.
constexpr std::size_t kVersionFields = 8'192;
constexpr std::string_view kKeep = "keep";
constexpr std::string_view kRemove = "remove";
constexpr std::string_view kRetired = "retired";
constexpr std::string_view kNoLease = "-";
constexpr std::string_view kPrestarted = "prestarted";

constexpr std::array kRefusals = {model::Refusal::kGone,     model::Refusal::kTooSmall,
                                  model::Refusal::kDraining, model::Refusal::kNoAnswer,
                                  model::Refusal::kTooLarge, model::Refusal::kBusy};

template <typename Number>
void append_number(std::string& to, Number number) {
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  to.append(digits.data(), end);
}

std::string_view path_of(Ask ask) {
  switch (ask) {
    case Ask::kExecute:
      return "/execute/";
    case Ask::kBehind:
      return "/behind/";
    case Ask::kTakeBack:
      return "/take-back/";
  }
  return "";
}

std::string place_target(Ask ask, const model::Allocation& allocation, std::size_t room) {
  std::string target;
  target.reserve(64 + room);
  target.append(path_of(ask)).append(allocation.instance).append("/");
  append_number(target, allocation.slot);
  target.append("/");
  append_number(target, allocation.epoch);
  return target;
}

template <typename Number>
bool read_number(std::string_view text, Number& into) {
  const auto number = number_of<Number>(text);
  into = number.value_or(0);
  return number.has_value();
}

// One field of a version; unknown ones are passed over. False when it is malformed.
bool set_field(const Field& field, model::Version& version, std::string& function_name) {
  if (field.name == "function") {
    version.function_id = field.value;
  } else if (field.name == "name") {
    function_name = field.value;
  } else if (field.name == "number") {
    return read_number(field.value, version.number);
  } else if (field.name == "runtime") {
    version.runtime = field.value;
  } else if (field.name == "handler") {
    version.handler = field.value;
  } else if (field.name == "memory-mb") {
    return read_number(field.value, version.memory_mb) && version.memory_mb > 0;
  } else if (field.name == "timeout-ms") {
    return read_number(field.value, version.timeout_ms) && version.timeout_ms > 0;
  } else if (field.name == "concurrency") {
    return read_number(field.value, version.concurrency) && version.concurrency > 0;
  } else if (field.name == "digest") {
    version.code_digest = field.value;
  } else if (field.name == "code-bytes") {
    return read_number(field.value, version.code_bytes);
  } else if (field.name == "environment") {
    std::string_view value = field.value;
    const std::string_view name = take_word(value, '=');
    version.environment[std::string(name)] = value;
  }
  return true;
}

// What may follow a request's id. False when it is malformed.
bool read_options(std::string_view options, InstanceRequest& into) {
  if (!options.empty() && options != kRetired) {
    std::chrono::milliseconds::rep remaining_ms = 0;
    if (!read_number(take_word(options, '/'), remaining_ms)) {
      return false;
    }
    into.remaining = std::chrono::milliseconds(remaining_ms);
  }
  into.retired = options == kRetired;
  return into.retired || options.empty();
}

std::optional<model::OutcomeKind> outcome_of(std::string_view text) {
  for (auto kind = model::OutcomeKind::kReturned; kind <= model::kLastOutcome;
       kind = static_cast<model::OutcomeKind>(static_cast<int>(kind) + 1)) {
    if (to_string(kind) == text) {
      return kind;
    }
  }
  return std::nullopt;
}

std::string more_of(const model::Execution& execution) {
  std::string more;
  const auto add = [&more](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      add_field(more, name, value);
    }
  };
  add("type", execution.outcome.error.type);
  add("message", execution.outcome.error.message);
  add("stack", execution.outcome.error.stack);
  for (const model::LogChunk& chunk : execution.logs.chunks) {
    add(chunk.stream == model::LogStream::kOut ? "out" : "err", chunk.text);
  }
  if (execution.logs.truncated) {
    add_field(more, "truncated", "");
  }
  const model::ExecutionSteps& steps = execution.steps;
  if (steps.cold) {
    std::string text;
    for (const std::int64_t step : {steps.code_us, steps.sandbox_us, steps.boot_us, steps.init_us}) {
      append_number(text, step);
      text.append(" ");
    }
    if (steps.prestarted) {
      text.append(kPrestarted);
    } else {
      text.pop_back();
    }
    add_field(more, "start", text);
  }
  return more;
}

bool read_start(std::string_view text, model::ExecutionSteps& steps) {
  steps.cold = true;
  for (std::int64_t* step : {&steps.code_us, &steps.sandbox_us, &steps.boot_us, &steps.init_us}) {
    if (!read_number(take_word(text), *step)) {
      return false;
    }
  }
  steps.prestarted = take_word(text) == kPrestarted;
  return true;
}

bool read_more(std::string_view more, model::Execution& execution) {
  // As many chunks as there may be bytes: the answer's own bound holds them.
  const auto fields = read_fields(more, more.size());
  if (!fields) {
    return false;
  }
  for (const Field& field : *fields) {
    if (field.name == "type") {
      execution.outcome.error.type = field.value;
    } else if (field.name == "message") {
      execution.outcome.error.message = field.value;
    } else if (field.name == "stack") {
      execution.outcome.error.stack = field.value;
    } else if (field.name == "out") {
      execution.logs.chunks.push_back({model::LogStream::kOut, std::string(field.value)});
    } else if (field.name == "err") {
      execution.logs.chunks.push_back({model::LogStream::kErr, std::string(field.value)});
    } else if (field.name == "truncated") {
      execution.logs.truncated = true;
    } else if (field.name == "start" && !read_start(field.value, execution.steps)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_name(std::string_view text) {
  const auto plain = [](char each) {
    return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || (each >= '0' && each <= '9') ||
           each == '-' || each == '_' || each == '.';
  };
  return !text.empty() && text.size() <= kNameBytes && std::ranges::all_of(text, plain);
}

std::string execute_target(Ask ask, const model::Allocation& allocation, const model::ExecuteRequest& request,
                           std::optional<std::chrono::milliseconds> remaining) {
  std::string target = place_target(ask, allocation, 2 * 40);
  target.append("/").append(request.version->id).append("/").append(request.request_id);
  if (remaining) {
    target.append("/");
    append_number(target, remaining->count());
  }
  if (request.version_retired) {
    target.append("/").append(kRetired);
  }
  return target;
}

std::string take_back_target(const model::Allocation& running) {
  return place_target(Ask::kTakeBack, running, 0);
}

std::optional<InstanceRequest> read_instance_target(std::string_view target) {
  InstanceRequest read;
  for (const Ask ask : {Ask::kExecute, Ask::kBehind, Ask::kTakeBack}) {
    if (!target.starts_with(path_of(ask))) {
      continue;
    }
    target.remove_prefix(path_of(ask).size());
    read.ask = ask;
    read.instance = take_word(target, '/');
    if (!is_name(read.instance) || !read_number(take_word(target, '/'), read.slot) ||
        !read_number(take_word(target, '/'), read.epoch)) {
      return std::nullopt;
    }
    if (ask == Ask::kTakeBack) {
      return target.empty() ? std::optional(read) : std::nullopt;
    }
    read.version = take_word(target, '/');
    read.request_id = take_word(target, '/');
    const bool whole = read_options(target, read) && is_name(read.version) && is_name(read.request_id);
    return whole ? std::optional(read) : std::nullopt;
  }
  return std::nullopt;
}

std::string to_body(const model::Version& version, const std::string& function_name) {
  std::string body;
  add_field(body, "function", version.function_id);
  add_field(body, "name", function_name);
  add_field(body, "number", std::to_string(version.number));
  add_field(body, "runtime", version.runtime);
  add_field(body, "handler", version.handler);
  add_field(body, "memory-mb", std::to_string(version.memory_mb));
  add_field(body, "timeout-ms", std::to_string(version.timeout_ms));
  add_field(body, "concurrency", std::to_string(version.concurrency));
  add_field(body, "digest", version.code_digest);
  add_field(body, "code-bytes", std::to_string(version.code_bytes));
  for (const auto& [name, value] : version.environment) {
    std::string variable = name;
    add_field(body, "environment", variable.append("=").append(value));
  }
  return body;
}

std::optional<ToldVersion> read_version(std::string_view id, std::string_view body) {
  const auto fields = read_fields(body, kVersionFields);
  if (!fields || !is_name(id)) {
    return std::nullopt;
  }
  auto version = std::make_shared<model::Version>();
  version->id = id;
  std::string function_name;
  for (const Field& field : *fields) {
    if (!set_field(field, *version, function_name)) {
      return std::nullopt;
    }
  }
  return ToldVersion{std::move(version), std::move(function_name)};
}

void add_release(std::string& body, const model::Allocation& lease, model::ReleaseKind kind) {
  body.append(kind == model::ReleaseKind::kRemove ? kRemove : kKeep).append(" ").append(lease.instance);
  body.append(" ");
  append_number(body, lease.slot);
  body.append(" ");
  append_number(body, lease.epoch);
  body.append("\n");
}

std::optional<std::vector<Release>> read_releases(std::string_view body) {
  std::vector<Release> releases;
  while (!body.empty()) {
    std::string_view line = take_word(body, '\n');
    const std::string_view kind = take_word(line);
    model::Allocation lease;
    lease.instance = take_word(line);
    if ((kind != kKeep && kind != kRemove) || !is_name(lease.instance) ||
        !read_number(take_word(line), lease.slot) || !read_number(line, lease.epoch)) {
      return std::nullopt;
    }
    releases.emplace_back(std::move(lease),
                          kind == kKeep ? model::ReleaseKind::kKeep : model::ReleaseKind::kRemove);
  }
  return releases;
}

ExecutionText to_text(model::Execution&& execution, const std::optional<model::Allocation>& lease) {
  ExecutionText text;
  text.meta.reserve(64);
  text.meta.append(to_string(execution.outcome.kind)).append(" ");
  append_number(text.meta, execution.steps.run_us);
  text.meta.append(" ");
  append_number(text.meta, execution.steps.handler_us);
  text.meta.append(" ");
  if (lease) {
    append_number(text.meta, lease->epoch);
  } else {
    text.meta.append(kNoLease);
  }
  text.meta.append(" ");
  append_number(text.meta, execution.outcome.output.size());
  text.more = more_of(execution);
  text.output = std::move(execution.outcome.output);
  return text;
}

std::optional<ReadExecution> read_execution(std::string_view meta, std::string&& body) {
  ReadExecution read;
  const auto kind = outcome_of(take_word(meta));
  std::size_t output_bytes = 0;
  if (!kind || !read_number(take_word(meta), read.execution.steps.run_us) ||
      !read_number(take_word(meta), read.execution.steps.handler_us)) {
    return std::nullopt;
  }
  const std::string_view epoch = take_word(meta);
  if (epoch != kNoLease) {
    read.lease_epoch = number_of<std::uint64_t>(epoch);
    if (!read.lease_epoch) {
      return std::nullopt;
    }
  }
  if (!read_number(meta, output_bytes) || output_bytes > body.size() ||
      !read_more(std::string_view(body).substr(output_bytes), read.execution)) {
    return std::nullopt;
  }
  read.execution.outcome.kind = *kind;
  body.resize(output_bytes);
  read.execution.outcome.output = std::move(body);
  return read;
}

int status_of(model::Refusal refusal) {
  switch (refusal) {
    case model::Refusal::kGone:
      return 410;
    case model::Refusal::kTooLarge:
      return 413;
    default:
      return 503;
  }
}

std::optional<model::Refusal> read_refusal(std::string_view meta) {
  for (const model::Refusal refusal : kRefusals) {
    if (to_string(refusal) == meta) {
      return refusal;
    }
  }
  return std::nullopt;
}

}  // namespace hearth::cluster
