#include "gateway/answer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>

#include "base/text_writer.h"
#include "gateway/policy_settings.h"
#include "gateway/utf8.h"

namespace hearth::gateway {
namespace {

// The body is `head`, the output as it came, `tail`: nothing of the output is copied or parsed.
constexpr std::string_view kOutputHead = "{\"output\":";

// A timed step with the longest name and number, and what stands around it; how many of them there are.
constexpr std::size_t kStepBytes = 96;
constexpr std::size_t kWarmSteps = 5;
constexpr std::size_t kColdSteps = 9;

// {"name":"run","duration":12.034,"subLogs":[
// By hand, as every answer has five of them.
void begin_step(base::TextWriter& out, std::string_view name, std::int64_t us) {
  const auto part = static_cast<int>(us % 1000);
  const auto digit = [](int value) { return static_cast<char>('0' + value); };
  out.put("{\"name\":\"").put(name).put("\",\"duration\":").put_number(us / 1000).put('.');
  out.put(digit(part / 100)).put(digit(part / 10 % 10)).put(digit(part % 10)).put(",\"subLogs\":[");
}

void leaf_step(base::TextWriter& out, std::string_view name, std::int64_t us) {
  begin_step(out, name, us);
  out.put("]}");
}

// The tree of timed steps, the prototype's "logs".
void append_steps(std::string& text, const model::ExecutionSteps& execution,
                  const dispatch::DispatchSteps& dispatch, std::int64_t total_us) {
  base::TextWriter out(text, kStepBytes * (execution.cold ? kColdSteps : kWarmSteps));
  begin_step(out, "invoke", total_us);
  leaf_step(out, "findInstance", dispatch.find_us);
  out.put(',');
  begin_step(out, execution.cold ? "execute.cold" : "execute.warm", dispatch.execute_us);
  if (execution.cold) {
    leaf_step(out, "code", execution.code_us);
    out.put(',');
    leaf_step(out, execution.prestarted ? "assign" : "sandbox", execution.sandbox_us);
    out.put(',');
    if (!execution.prestarted) {
      leaf_step(out, "boot", execution.boot_us);
      out.put(',');
    }
    leaf_step(out, "init", execution.init_us);
    out.put(',');
  }
  begin_step(out, "run", execution.run_us);
  leaf_step(out, "handler", execution.handler_us);
  out.put("]}]}]}");
}

std::string_view default_message(model::OutcomeKind kind) {
  switch (kind) {
    case model::OutcomeKind::kTimedOut:
      return "the function ran longer than its timeout";
    case model::OutcomeKind::kOutOfMemory:
      return "the function used more memory than its memorySize";
    case model::OutcomeKind::kExited:
      return "the function's process ended in the middle of the call";
    case model::OutcomeKind::kInitTimedOut:
      return "loading the function's code took too long";
    case model::OutcomeKind::kBadInput:
      return "the body is not JSON";
    case model::OutcomeKind::kBadOutput:
      return "what the function returned cannot be written as JSON";
    case model::OutcomeKind::kResponseTooLarge:
      return "the function's response is larger than the limit (--max-response-bytes)";
    case model::OutcomeKind::kProtocolError:
      return "the function's process broke the runtime protocol";
    case model::OutcomeKind::kStartFailed:
      return "no instance of the function could be started";
    case model::OutcomeKind::kWorkerLost:
      return "the worker was lost in the middle of the call, which may have been executed";
    case model::OutcomeKind::kReturned:
    case model::OutcomeKind::kThrew:
    case model::OutcomeKind::kInitFailed:
      return "";
  }
  return "";
}

void append_error(std::string& out, const model::Outcome& outcome) {
  out += "{\"error\":{\"code\":\"";
  out += to_string(model::api_error(outcome.kind));
  out += "\",\"message\":";
  const bool own = !outcome.error.message.empty();
  append_json_string(out, own ? std::string_view(outcome.error.message) : default_message(outcome.kind));
  if (!outcome.error.type.empty()) {
    out += ",\"type\":";
    append_json_string(out, outcome.error.type);
  }
  if (!outcome.error.stack.empty()) {
    out += ",\"stack\":";
    append_json_string(out, outcome.error.stack);
  }
  out += '}';
}

void add_retry_after(http::Response& response) {
  if (response.status == 503 || response.status == 429) {
    response.headers.push_back({"Retry-After", "1"});
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  const std::string valid = is_utf8(text) ? std::string() : replace_invalid_utf8(text);
  for (const char c : valid.empty() ? text : std::string_view(valid)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0x0fU];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json_field(std::string& out, std::string_view name, std::string_view text) {
  out += out.ends_with('{') ? "\"" : ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

http::Response error_response(model::ApiErrorCode code, std::string_view message) {
  http::Response response;
  response.status = model::http_status(code);
  std::string& body = response.body[0];
  body = "{\"error\":{\"code\":\"";
  body += to_string(code);
  body += "\",\"message\":";
  append_json_string(body, message);
  body += "}}";
  add_retry_after(response);
  return response;
}

model::ApiErrorCode refusal_code(int status) {
  switch (status) {
    case 408:
      return model::ApiErrorCode::kRequestTimeout;
    case 413:
      return model::ApiErrorCode::kPayloadTooLarge;
    case 414:
      return model::ApiErrorCode::kUriTooLong;
    case 417:
      return model::ApiErrorCode::kExpectationFailed;
    case 431:
      return model::ApiErrorCode::kHeaderTooLarge;
    case 500:
      return model::ApiErrorCode::kInternal;
    case 501:
      return model::ApiErrorCode::kNotImplemented;
    case 503:
      return model::ApiErrorCode::kTooManyConnections;
    case 505:
      return model::ApiErrorCode::kVersionNotSupported;
    default:
      return model::ApiErrorCode::kBadRequest;
  }
}

http::Response error_response(const base::Error& error) {
  return error_response(model::api_error(error.code), error.message);
}

http::Response execution_response(model::Execution&& execution, const dispatch::DispatchSteps& steps,
                                  std::int64_t total_us) {
  http::Response response;
  std::string& tail = response.body[2];
  tail.reserve(kStepBytes * (kWarmSteps + 1));
  if (execution.outcome.kind == model::OutcomeKind::kReturned) {
    response.body[0] = kOutputHead;
    response.body[1] = std::move(execution.outcome.output);
  } else {
    response.status = model::http_status(model::api_error(execution.outcome.kind));
    append_error(response.body[0], execution.outcome);
  }
  tail = std::string_view(",\"logs\":");
  append_steps(tail, execution.steps, steps, total_us);
  tail += '}';
  add_retry_after(response);
  return response;
}

void append_log_chunks(std::string& out, const std::vector<model::LogChunk>& chunks) {
  out += '[';
  for (const model::LogChunk& chunk : chunks) {
    out += out.back() == '[' ? "" : ",";
    out += chunk.stream == model::LogStream::kOut ? R"({"stream":"stdout","text":)"
                                                  : R"({"stream":"stderr","text":)";
    append_json_string(out, chunk.text);
    out += '}';
  }
  out += ']';
}

std::string rfc3339(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), unix_ms % 1000);
}

namespace {

// Fields of an object, each with a comma before it.
class Fields {
 public:
  explicit Fields(std::string& out) : out_(out) {}

  void text(std::string_view name, std::string_view value) {
    begin(name);
    append_json_string(out_, value);
  }
  void json(std::string_view name, std::string_view value) {
    begin(name);
    out_ += value;
  }
  void number(std::string_view name, std::uint64_t value) {
    fmt::format_to(std::back_inserter(out_), ",\"{}\":{}", name, value);
  }
  void texts(std::string_view name, const std::map<std::string, std::string>& values) {
    begin(name);
    out_ += '{';
    for (const auto& [key, value] : values) {
      out_ += out_.back() == '{' ? "" : ",";
      append_json_string(out_, key);
      out_ += ':';
      append_json_string(out_, value);
    }
    out_ += '}';
  }

 private:
  void begin(std::string_view name) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
  }

  std::string& out_;
};

void add_settings(Fields& fields, const model::Version& version, const std::string& blob_uri) {
  fields.text("blobUri", blob_uri);
  fields.number("memorySize", version.memory_mb);
  fields.text("runtime", version.runtime);
  fields.text("handler", version.handler);
  fields.number("timeout", version.timeout_ms);
  fields.number("concurrency", version.concurrency);
  fields.texts("environment", version.environment);
  fields.number("codeSize", version.code_bytes);
  fields.text("codeSha256", version.code_digest);
}

// 900 of 1,000: "0.9".
std::string share(std::uint32_t per_mille) {
  std::string text = fmt::format("0.{:03}", per_mille);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

std::string alias_json(const model::Alias& alias) {
  std::string out = fmt::format(R"({{"name":"{}","version":{})", alias.name, alias.version);
  if (alias.canary) {
    fmt::format_to(std::back_inserter(out), R"(,"weights":{{"{}":{},"{}":{}}})", alias.version,
                   share(model::kShares - alias.canary->per_mille), alias.canary->version,
                   share(alias.canary->per_mille));
  }
  fmt::format_to(std::back_inserter(out), R"(,"updatedAt":"{}"}})", rfc3339(alias.updated_ms));
  return out;
}

std::string aliases_json(const model::Aliases& aliases) {
  std::string out = "[";
  for (const auto& [name, alias] : aliases) {
    out += out.back() == '[' ? "" : ",";
    out += alias_json(alias);
  }
  return out + "]";
}

std::string function_json(const model::Function& function, const std::string& blob_uri,
                          std::optional<std::uint32_t> provisioned_ready) {
  std::string out = "{\"id\":";
  append_json_string(out, function.id);
  Fields fields(out);
  if (function.name.empty()) {
    out += ",\"name\":null";
  } else {
    fields.text("name", function.name);
  }
  fields.text("displayName", function.display_name);
  fields.number("version", function.current.number);
  add_settings(fields, function.current, blob_uri);
  fields.json("aliases", aliases_json(function.aliases));
  fields.json("limits", concurrency_json(function.concurrency, provisioned_ready));
  fields.json("async", async_json(function.async));
  fields.text("state", "active");
  fields.text("createdAt", rfc3339(function.created_ms));
  fields.text("updatedAt", rfc3339(function.updated_ms));
  out += '}';
  return out;
}

std::string version_json(const model::Version& version, std::uint32_t current, const std::string& blob_uri) {
  std::string out = fmt::format(R"({{"version":{},"current":{})", version.number, version.number == current);
  Fields fields(out);
  add_settings(fields, version, blob_uri);
  if (version.created_ms == 0) {
    out += R"(,"createdAt":null)";
  } else {
    fields.text("createdAt", rfc3339(version.created_ms));
  }
  out += '}';
  return out;
}

}  // namespace hearth::gateway
