// The gateway's answers that only read: functions, logs, health, metrics.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "base/bring_back.h"
#include "gateway/answer.h"
#include "gateway/gateway.h"
#include "gateway/policy_settings.h"
#include "membership/fleet_metrics.h"

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
                 R"("durationMs":{}.{:03},"cold":{},"truncated":{},"lines":)",
                 entry.sequence, std::string_view(entry.request_id), rfc3339(entry.time_ms), entry.instance,
                 to_string(entry.outcome), entry.duration_us / 1000, entry.duration_us % 1000, entry.cold,
                 entry.logs.truncated);
  append_log_chunks(out, entry.logs.chunks);
  out += '}';
}

}  // namespace

http::Response Gateway::list() const {
  http::Response response;
  std::string& body = response.body[0];
  body = "[";
  for (const auto& function : parts_.functions.list()) {
    body += body.size() > 1 ? "," : "";
    body += function_json(*function, parts_.code.uri(function->current.code_digest));
  }
  body += ']';
  return response;
}

http::Response Gateway::show(const model::Function& function) const {
  http::Response response;
  response.body[0] = function_json(function, parts_.code.uri(function.current.code_digest));
  return response;
}

// Asks every loop's gateway, this one first; `done` is called on this loop, inside the call if there is but
// one.
template <typename Part>
void Gateway::gather(std::function<Part(Gateway&)> ask, std::function<void(std::vector<Part>)> done) {
  auto parts = std::make_shared<std::vector<Part>>();
  parts->push_back(ask(*this));
  if (others_.empty()) {
    done(std::move(*parts));
    return;
  }
  for (Gateway* other : others_) {
    auto told =
        base::bring_back(parts_.loop, std::function([parts, done, expected = others_.size() + 1](Part part) {
                           parts->push_back(std::move(part));
                           if (parts->size() == expected) {
                             done(std::move(*parts));
                           }
                         }));
    other->parts_.loop.post([other, ask, told] { told(ask(*other)); });
  }
}

// A change that has just been acknowledged is known to every loop, what follows from it to none.
void Gateway::count_ready(const model::FunctionPtr& function, std::function<void(std::uint32_t)> done) {
  if (function->concurrency.provisioned == 0) {
    done(0);
    return;
  }
  gather<std::uint32_t>([id = function->id](Gateway& gateway) { return gateway.parts_.provisions.ready(id); },
                        [done = std::move(done)](const std::vector<std::uint32_t>& counts) {
                          done(std::accumulate(counts.begin(), counts.end(), 0U));
                        });
}

void Gateway::show_with_ready(const model::FunctionPtr& function, http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  count_ready(function, [this, held, function](std::uint32_t ready) {
    http::Response response;
    response.body[0] = function_json(*function, parts_.code.uri(function->current.code_digest), ready);
    held->send(std::move(response));
  });
}

void Gateway::show_limits(const model::FunctionPtr& function, http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  count_ready(function, [held, function](std::uint32_t ready) {
    http::Response response;
    response.body[0] = concurrency_json(function->concurrency, ready);
    held->send(std::move(response));
  });
}

// Sequences of several loops are in order because they are times: of one clock, in microseconds.
std::uint64_t Gateway::log_time(base::TimePoint now) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
}

void Gateway::logs(const model::Function& function, const http::RequestHead& head,
                   http::Responder responder) {
  LogQuery query;
  query.limit = number_or(query_value(head.query(), "limit"), 100, options_.logs.entries_per_function);
  query.after = number_or(query_value(head.query(), "after"), 0, UINT64_MAX);
  query.request_id = query_value(head.query(), "requestId").value_or("");
  if (!others_.empty()) {
    query.upto = log_time(parts_.loop.now());
  }
  auto held = std::make_shared<http::Responder>(std::move(responder));
  using Entries = std::vector<LogEntry>;
  gather<Entries>(
      [id = function.id, query](Gateway& gateway) {
        if (!gateway.others_.empty()) {
          gateway.log_book_.number_from(query.upto);
        }
        return gateway.log_book_.copy(id, query);
      },
      [held, query](std::vector<Entries> found) {
        http::Response response;
        std::string& body = response.body[0];
        body = R"({"entries":[)";
        std::uint64_t next = query.after;
        for (const LogEntry& entry : merge(std::move(found), query.limit)) {
          body += body.back() == '[' ? "" : ",";
          append_log_entry(body, entry);
          next = entry.sequence;
        }
        fmt::format_to(std::back_inserter(body), R"(],"next":{}}})", next);
        held->send(std::move(response));
      });
}

std::int64_t Gateway::uptime_seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(parts_.loop.now() - started_).count();
}

PlatformStatus Gateway::status() const {
  PlatformStatus status = parts_.status();
  status.lease = term_.state(base::BootClock::now());
  return status;
}

void Gateway::health(http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  gather<PlatformStatus>([](Gateway& gateway) { return gateway.status(); },
                         [this, held](const std::vector<PlatformStatus>& statuses) {
                           held->send(health_response(std::accumulate(statuses.begin() + 1, statuses.end(),
                                                                      statuses.front(), std::plus<>())));
                         });
}

http::Response Gateway::health_response(const PlatformStatus& status) const {
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
                 R"(}},"calls":{{"waiting":{},"running":{}}},"connections":{},"functions":{})",
                 status.calls_waiting, status.calls_running, status.connections, parts_.functions.size());
  if (status.lease != LeaseState::kNotNeeded) {
    fmt::format_to(std::back_inserter(body), R"(,"versionLease":"{}")", to_string(status.lease));
  }
  body += '}';
  return response;
}

void Gateway::metrics(http::Responder responder) {
  auto held = std::make_shared<http::Responder>(std::move(responder));
  gather<GatewayReport>(
      [](Gateway& gateway) {
        return GatewayReport{gateway.status(), gateway.metrics_};
      },
      [this, held](std::vector<GatewayReport> reports) {
        GatewayReport& all = reports.front();
        for (auto other = reports.begin() + 1; other != reports.end(); ++other) {
          all.status = all.status + other->status;
          all.metrics += other->metrics;
        }
        std::string own = all.metrics.text(all.status, parts_.functions.size(), uptime_seconds());
        parts_.fleet.capacity(
            [held, own = std::move(own)](const base::Result<membership::Capacity>& counted) {
              http::Response response;
              response.content_type = "text/plain; version=0.0.4; charset=utf-8";
              response.body[0] = own;
              // What is not known now is left out, not told as it was.
              response.body[1] = counted ? membership::fleet_metrics(*counted) : std::string();
              held->send(std::move(response));
            });
      });
}

}  // namespace hearth::gateway
