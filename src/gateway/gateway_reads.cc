// The gateway's answers that only read: functions, logs, health, metrics.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "gateway/answer.h"
#include "gateway/gateway.h"

namespace hearth::gateway {
namespace {

std::uint64_t number_or(const std::optional<std::string>& text, std::uint64_t fallback, std::uint64_t most) {
  std::uint64_t value = fallback;
  if (text) {
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
    if (parsed.ec != std::errc{}) {
      value = fallback;
    }
  }
  return std::min(value, most);
}

void append_log_entry(std::string& out, const LogEntry& entry) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"sequence":{},"requestId":"{}","time":"{}","instance":"{}","outcome":"{}",)"
                 R"("durationMs":{}.{:03},"cold":{},"truncated":{},"lines":[)",
                 entry.sequence, entry.request_id, rfc3339(entry.time_ms), entry.instance,
                 to_string(entry.outcome), entry.duration_us / 1000, entry.duration_us % 1000, entry.cold,
                 entry.logs.truncated);
  for (const auto& chunk : entry.logs.chunks) {
    out += out.back() == '[' ? "" : ",";
    out += chunk.stream == model::LogStream::kOut ? R"({"stream":"stdout","text":)"
                                                  : R"({"stream":"stderr","text":)";
    append_json_string(out, chunk.text);
    out += '}';
  }
  out += "]}";
}

}  // namespace

http::Response Gateway::list() const {
  http::Response response;
  std::string& body = response.body[0];
  body = "[";
  for (const auto& function : parts_.functions.cache.list()) {
    body += body.size() > 1 ? "," : "";
    body += function_json(*function, parts_.functions.code.uri(function->current.code_digest));
  }
  body += ']';
  return response;
}

http::Response Gateway::show(const model::Function& function) const {
  http::Response response;
  response.body[0] = function_json(function, parts_.functions.code.uri(function.current.code_digest));
  return response;
}

http::Response Gateway::logs(const model::Function& function, const http::RequestHead& head) const {
  LogQuery query;
  query.limit = number_or(query_value(head.query(), "limit"), 100, options_.logs.entries_per_function);
  query.after = number_or(query_value(head.query(), "after"), 0, UINT64_MAX);
  query.request_id = query_value(head.query(), "requestId").value_or("");
  http::Response response;
  std::string& body = response.body[0];
  body = R"({"entries":[)";
  std::uint64_t next = query.after;
  for (const LogEntry* entry : log_book_.find(function.id, query)) {
    body += body.back() == '[' ? "" : ",";
    append_log_entry(body, *entry);
    next = entry->sequence;
  }
  fmt::format_to(std::back_inserter(body), R"(],"next":{}}})", next);
  return response;
}

std::int64_t Gateway::uptime_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(parts_.functions.loop.now() - started_).count();
}

http::Response Gateway::health() const {
  const PlatformStatus status = parts_.status();
  http::Response response;
  std::string& body = response.body[0];
  body = fmt::format(
      R"({{"status":"{}","version":"{}","uptimeSeconds":{},"memory":{{"totalMb":{},"freeMb":{},"reservedMb":{}}},"instances":{{)",
      draining_ ? "draining" : "ok", HEARTH_VERSION, uptime_seconds(), status.memory_total_mb,
      status.memory_free_mb, status.memory_total_mb - status.memory_free_mb);
  for (const auto& [state, count] : status.instances) {
    body += body.back() == '{' ? "" : ",";
    fmt::format_to(std::back_inserter(body), R"("{}":{})", state, count);
  }
  fmt::format_to(std::back_inserter(body),
                 R"(}},"calls":{{"waiting":{},"running":{}}},"connections":{},"functions":{}}})",
                 status.calls_waiting, status.calls_running, status.connections,
                 parts_.functions.cache.size());
  return response;
}

http::Response Gateway::metrics() const {
  http::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body[0] = metrics_.text(parts_.status(), parts_.functions.cache.size(), uptime_seconds());
  return response;
}

}  // namespace hearth::gateway
