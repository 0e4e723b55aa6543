#include "monitor/monitor_api.h"

#include <fmt/format.h>

#include <iterator>
#include <memory>
#include <utility>

#include "gateway/answer.h"
#include "http/api_key.h"
#include "membership/fleet_metrics.h"

namespace hearth::monitor {
namespace {

using model::ApiErrorCode;

constexpr std::uint64_t kIgnoredBodyBytes = 64 * 1024;
constexpr std::string_view kHealth = "/health";
constexpr std::string_view kMetrics = "/metrics";

void counter(std::string& out, std::string_view name, std::string_view help, std::uint64_t value) {
  fmt::format_to(std::back_inserter(out), "# HELP {0} {1}\n# TYPE {0} counter\n{0} {2}\n", name, help, value);
}

std::string text_of(const MonitorCounts& counts) {
  std::string out;
  fmt::format_to(std::back_inserter(out),
                 "# HELP hearth_build_info The version that runs; always 1.\n# TYPE hearth_build_info gauge\n"
                 "hearth_build_info{{version=\"{}\"}} 1\n# HELP hearth_members Processes of the platform.\n"
                 "# TYPE hearth_members gauge\nhearth_members {}\n",
                 HEARTH_VERSION, counts.members);
  counter(out, "hearth_workers_lost_total", "Workers that ended without a word.", counts.workers_lost);
  counter(out, "hearth_entries_dropped_total", "Allocations of lost workers that were taken away.",
          counts.entries_dropped);
  counter(out, "hearth_code_sweeps_total", "Times that code of no function was removed.", counts.code_sweeps);
  counter(out, "hearth_code_sweeps_failed_total", "Times that it could not be.", counts.code_sweeps_failed);
  return out;
}

}  // namespace

MonitorApi::MonitorApi(MonitorApiOptions options, const Monitor& monitor, membership::Fleet& fleet,
                       base::EventLoop& loop)
    : options_(std::move(options)), monitor_(monitor), fleet_(fleet), loop_(loop), started_(loop.now()) {}

http::BodyPlan MonitorApi::plan(const http::RequestHead& head) {
  const bool health = head.path() == kHealth;
  if (!health && !http::carries_key(head, options_.api_key)) {
    auto response = gateway::error_response(ApiErrorCode::kUnauthorized,
                                            "an API key is needed: Authorization: Bearer KEY");
    response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return http::Refuse{std::move(response)};
  }
  if (!health && head.path() != kMetrics) {
    return http::Refuse{gateway::error_response(
        ApiErrorCode::kNotFound, "a monitor has /health and /metrics; functions are a gateway's")};
  }
  if (head.method != http::Method::kGet && head.method != http::Method::kHead) {
    auto response = gateway::error_response(ApiErrorCode::kMethodNotAllowed,
                                            fmt::format("{} takes GET, HEAD", head.path()));
    response.headers.push_back({"Allow", "GET, HEAD"});
    return http::Refuse{std::move(response)};
  }
  return http::Buffer{kIgnoredBodyBytes};
}

void MonitorApi::handle(http::Request&& request, http::Responder responder) {
  if (request.head.path() == kHealth) {
    responder.send(health());
  } else {
    metrics(std::move(responder));
  }
}

http::Response MonitorApi::refuse(int status, std::string_view reason, std::string_view message) {
  return gateway::error_response(gateway::refusal_code(status), message.empty() ? reason : message);
}

std::int64_t MonitorApi::uptime_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - started_).count();
}

http::Response MonitorApi::health() const {
  http::Response response;
  response.body[0] = fmt::format(
      R"({{"status":"{}","role":"monitor","id":"{}","version":"{}","uptimeSeconds":{},"members":{}}})",
      draining_ ? "draining" : "ok", options_.id, HEARTH_VERSION, uptime_seconds(),
      monitor_.counts().members);
  return response;
}

void MonitorApi::metrics(http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  fleet_.capacity([this, held](const base::Result<membership::Capacity>& counted) {
    http::Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body[0] = text_of(monitor_.counts());
    response.body[1] = counted ? membership::fleet_metrics(*counted) : std::string();
    held->send(std::move(response));
  });
}

}  // namespace hearth::monitor
