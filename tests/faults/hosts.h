// A platform on several hosts: PostgreSQL, Redis, two gateways, three workers and a monitor, each in a
// network namespace of its own, and what can happen to them.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "messaging/redis/testing/redis_process.h"
#include "store/postgres/testing/postgres_server.h"
#include "tests/faults/network.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {

class Hosts {
 public:
  static const std::vector<std::string>& gateways();
  static const std::vector<std::string>& workers();
  static constexpr const char* kMonitor = "monitor";
  static constexpr std::chrono::seconds kLease{2};  // of asynchronous executions

  // Starts everything and waits until it answers.
  Hosts();
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;
  ~Hosts();

  Network& network() { return network_; }
  std::string endpoint(const std::string& host) const;

  // Of the roles; `host` is one of gateways() or workers(), or kMonitor.
  void start(const std::string& host);
  void kill(const std::string& host);
  void freeze(const std::string& host) const;
  void thaw(const std::string& host) const;
  // SIGTERM; its exit status, -1 when it did not end in time.
  int stop(const std::string& host);
  bool runs(const std::string& host) const { return processes_.at(host) > 0; }
  std::string log(const std::string& host) const;

  void kill_redis() { redis_->kill(); }
  void start_redis();
  void flush_redis();
  // Whether it is announced there that the worker has room for instances.
  bool offers_memory(const std::string& worker);
  void kill_postgres() { postgres_->kill(); }
  void start_postgres();

  // A function from one index.js.
  void create(const std::string& index_js, const std::string& name, int memory_mb = 128) const;
  // Asked from the clients' host.
  test::Reply get(const std::string& host, const std::string& target) const;
  test::Reply deploy(const std::string& gateway, const std::string& name, const std::string& index_js) const;
  // Calls made with it of which one may think that they were executed.
  std::uint64_t may_have_executed() const { return may_have_executed_; }
  test::Reply invoke(const std::string& gateway, const std::string& name, const std::string& body) const;
  // Waits until /health answers.
  bool wait_up(const std::string& host) const;
  // Executions that the workers have begun since they were started.
  std::uint64_t executions() const;
  std::uint64_t executions(const std::string& worker) const;
  // At rest: every worker's memory is accounted for, and nothing runs. Empty, or what is wrong.
  std::string unrest() const;

 private:
  struct Body {
    std::string text;
    std::string type = "application/json";
  };

  std::vector<std::string> command_of(const std::string& host) const;
  test::Reply ask(const std::string& host, http::Method method, const std::string& target,
                  const Body& body) const;

  Network network_;
  test::ScratchFolder folder_;
  std::unique_ptr<store::postgres::PostgresServer> postgres_;
  std::unique_ptr<messaging::RedisProcess> redis_;
  std::string store_url_;
  std::string messaging_url_;
  std::map<std::string, pid_t> processes_;  // -1: it does not run
  mutable std::atomic<std::uint64_t> may_have_executed_ = 0;
};

}  // namespace hearth::faults
