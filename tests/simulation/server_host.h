// One simulated host of a server: the process on it is the product's own parts, wired as apps/hearth does it,
// and may be stopped, drained and killed, and started again. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "dispatch/dispatcher.h"
#include "gateway/executions_api.h"
#include "monitor/execution_retention.h"
#include "monitor/execution_runner.h"
#include "tests/simulation/host_clock.h"
#include "tests/simulation/stage.h"
#include "tests/simulation/work_queue.h"

namespace hearth::simulation {

class ServerHost {
 public:
  ServerHost(Stage& stage, std::string name, std::int64_t clock_off_ms);
  ServerHost(const ServerHost&) = delete;
  ServerHost& operator=(const ServerHost&) = delete;
  ~ServerHost() { kill(); }

  // Nothing happens when it runs; when the store does not answer, it tries again.
  void start();
  void kill();
  void stop();
  void go_on();
  // SIGTERM: it dies when it has given back and finished what it has, or after a while; then `dead` is
  // called, unless something else has killed it before.
  void drain(std::function<void()> dead);
  void slow_until(base::TimePoint until);
  void stale_until(base::TimePoint until) { stale_until_ = until; }
  void callers_until(base::TimePoint until) { callers_until_ = until; }
  void set_clock(std::int64_t off_ms);

  bool runs() const { return parts_ != nullptr; }
  bool stopped() const { return process_ != nullptr && process_->loop.stopped(); }
  const std::string& name() const { return name_; }
  HostClock& clock() { return clock_; }
  // The functions have changed. Where there is one server, it is itself that has changed them.
  void functions_changed();
  // Runs this on the process, if it takes requests. Null: it does not know the function.
  void request(const model::FunctionId& function, const std::function<void(gateway::Executions*)>& what);

  // Nothing of it is under way, and it counts nothing that has not ended; empty: so it is.
  std::string what_is_left() const;
  // At rest: whether it holds nothing that it would have to give back before it ends.
  bool ends_at_once();

 private:
  // What others may still refer to when the process is dead.
  struct Process {
    Process(Stage& stage, ProcessId process_id);

    const ProcessId id;
    ProcessLoop loop;
    WorkQueue pool;
    StorePort store;
  };
  // What dies with it, in the reverse of this order.
  struct Parts {
    Parts(Stage& stage, ServerHost& host, Process& process);

    base::SeededRandom random;
    HubEnd messaging;
    WireLink link;
    dispatch::Dispatcher dispatcher;
    Mirror mirror;
    store::ExecutionJournal journal;
    gateway::ExecutionsApi api;
    monitor::ExecutionRetention retention;
    std::unique_ptr<monitor::ExecutionRunner> runner;
  };

  monitor::RunnerParts runner_parts(Process& process, Parts& parts);
  gateway::ExecutionsParts api_parts(Process& process, Parts& parts);
  bool open();

  Stage& stage_;
  const std::string name_;
  HostClock clock_;
  base::TimePoint stale_until_{};
  base::TimePoint callers_until_{};
  base::TimePoint slow_until_{};
  std::vector<std::unique_ptr<Process>> processes_;
  Process* process_ = nullptr;  // the last of them
  std::unique_ptr<Parts> parts_;
  bool draining_ = false;
  bool starting_ = false;
};

}  // namespace hearth::simulation
