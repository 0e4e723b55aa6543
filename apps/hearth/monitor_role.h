// A process's part as a monitor: the monitor, and its server.
//
// On the process's loop. Made and ended by the platform.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/hearth/members.h"
#include "apps/hearth/serve_options.h"
#include "apps/hearth/stores.h"
#include "base/blocking_pool.h"
#include "base/reactor.h"
#include "http/server.h"
#include "monitor/monitor.h"
#include "monitor/monitor_api.h"

namespace hearth {

struct MonitorRoleParts {
  base::Reactor& loop;
  base::BlockingPool& pool;
  Stores& stores;
  Members& members;
  std::string api_key;
};

class MonitorRole {
 public:
  // All outlive it.
  MonitorRole(const ServeOptions& options, MonitorRoleParts parts)
      : monitor_(options.code_sweep_interval, {parts.loop, parts.pool, parts.members.directory(),
                                               [&stores = parts.stores] { return stores.sweep_code(); }}),
        api_({std::move(parts.api_key), parts.members.id()}, monitor_, parts.members.fleet(), parts.loop),
        server_(parts.loop, options.http, api_),
        drain_grace_(std::chrono::ceil<std::chrono::milliseconds>(options.drain_grace)) {}

  base::Result<void> adopt(base::UniqueFd listening) { return server_.adopt(std::move(listening)); }
  std::uint16_t port() const { return server_.port(); }

  void start() {
    monitor_.start();
    server_.start();
  }
  void looked(const std::vector<model::Member>& members) { monitor_.looked(members); }
  void drain(std::function<void()> done) {
    api_.drain();
    server_.drain(std::move(done), drain_grace_);
  }
  void stop() { server_.stop(); }

 private:
  monitor::Monitor monitor_;
  monitor::MonitorApi api_;
  http::Server server_;
  const std::chrono::milliseconds drain_grace_;
};

}  // namespace hearth
