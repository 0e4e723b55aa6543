// What a monitor answers over HTTP: GET /health, open, and GET /metrics, for who has the API key.
//
// An http::Handler on the monitor's loop.
#pragma once

#include <functional>
#include <string>

#include "base/event_loop.h"
#include "http/server.h"
#include "membership/fleet.h"
#include "monitor/monitor.h"

namespace hearth::monitor {

struct MonitorApiOptions {
  std::string api_key;  // --api-key; empty: no authentication
  std::string id;       // among the members
};

class MonitorApi final : public http::Handler {
 public:
  // All outlive it.
  MonitorApi(MonitorApiOptions options, const Monitor& monitor, membership::Fleet& fleet,
             base::EventLoop& loop);

  http::BodyPlan plan(const http::RequestHead& head) override;
  void handle(http::Request&& request, http::Responder responder) override;
  http::Response refuse(int status, std::string_view reason, std::string_view message) override;

  void drain() { draining_ = true; }

 private:
  http::Response health() const;
  void metrics(http::Responder responder);
  std::int64_t uptime_seconds() const;

  const MonitorApiOptions options_;
  const Monitor& monitor_;
  membership::Fleet& fleet_;
  base::EventLoop& loop_;
  const base::TimePoint started_;
  bool draining_ = false;
};

}  // namespace hearth::monitor
