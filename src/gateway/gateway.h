// The gateway: the paper's web service. Routes, authentication, limits and answers of the public API;
// what it serves is in dispatch (invocations) and functions_api (changes).
//
// An http::Handler on the server's loop; everything here runs on it. With several loops each has a gateway,
// and what a caller may read of any is gathered from all.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/random.h"
#include "dispatch/concurrency_book.h"
#include "dispatch/dispatcher.h"
#include "dispatch/function_cache.h"
#include "gateway/executions.h"
#include "gateway/function_changes.h"
#include "gateway/function_versions.h"
#include "gateway/log_book.h"
#include "gateway/metrics.h"
#include "gateway/past_versions.h"
#include "gateway/provisions.h"
#include "gateway/refused_callers.h"
#include "gateway/route.h"
#include "gateway/schedules.h"
#include "http/server.h"
#include "membership/fleet.h"
#include "model/limits.h"
#include "store/code_store.h"

namespace hearth::gateway {

struct GatewayOptions {
  std::string api_key;  // --api-key; empty: no authentication
  model::UploadLimits upload;
  model::FunctionLimits function;
  model::InvocationLimits invocation;
  std::uint32_t max_depth = 16;  // --max-depth: calls that may lead to one another
  LogBookLimits logs;
};

// What one gateway says to another for /health and /metrics.
struct GatewayReport {
  PlatformStatus status;
  Metrics metrics;
};

// All on the gateway's loop, but for the code store and the pool, which are for any thread.
struct GatewayParts {
  base::EventLoop& loop;
  dispatch::FunctionCache& functions;
  dispatch::Dispatcher& dispatcher;
  dispatch::ConcurrencyBook& limits;  // of the process: told by the first gateway alone
  FunctionChanges& changes;
  FunctionVersions& versions;
  Executions& executions;
  Schedules& schedules;
  store::CodeStore& code;
  base::BlockingPool& pool;
  std::function<PlatformStatus()> status;  // of this loop's parts
  base::Random& request_ids;
  membership::Fleet& fleet;  // for this loop
  Provisions& provisions;
};

class Gateway final : public http::Handler, public FunctionMirror {
 public:
  Gateway(GatewayOptions options, GatewayParts parts);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway() override;

  http::BodyPlan plan(const http::RequestHead& head) override;
  void handle(http::Request&& request, http::Responder responder) override;
  http::Response refuse(int status, std::string_view reason, std::string_view message) override;

  // The gateways of the other loops: what is read of all of them is asked of each. `index` is this one's
  // among all. Before any loop runs.
  void connect(std::vector<Gateway*> others, std::size_t index);

  void created(model::FunctionPtr function) override;
  void updated(model::FunctionPtr function) override;
  void removed(const model::FunctionPtr& function) override;
  void synced(const model::FunctionId& id, model::FunctionPtr function) override;
  void serve_until(const ServingTerm& term) override;

  // An asynchronous execution of the function has been executed here.
  void executed(const model::Function& function, const model::ExecutionId& id,
                const model::Execution& execution, std::int64_t total_us) {
    log(function, id, execution, model::CapturedLogs(execution.logs), total_us);
  }

  // A past version of a function, for who executes one here. `done` is called on the loop, perhaps inside the
  // call.
  void past_version(const model::FunctionId& function, std::uint32_t number, PastVersions::Found done) {
    past_versions_.find(function, number, std::move(done));
  }

  // /health says so from now on.
  void drain() { draining_ = true; }

  // Of this loop. Peaks are not filled in.
  model::GatewayLoad load();

  // Whether it knows the newest code of every function.
  bool may_serve() const;

  // Somebody has called and waits for the answer, or has just done so.
  bool has_callers() const { return parts_.loop.now() - last_call_ < kCallersStay; }

  // The last calls, several in a row, came from one or two callers, so nearly one by one.
  bool calls_one_by_one() const { return calls_of_last_two_ >= kCallsOneByOne; }

 private:
  struct Call;

  http::BodyPlan plan_route(const Route& route, const http::RequestHead& head);
  http::BodyPlan plan_invoke(const http::RequestHead& head);
  http::BodyPlan plan_upload(const Route& route, const http::RequestHead& head);
  void handle_function(const Route& route, http::Request&& request, http::Responder responder);
  http::Response refusal(model::ApiErrorCode code, std::string_view message);
  http::Response may_be_older();
  void invoke(const Route& route, http::Request&& request, http::Responder responder);
  bool name_call(Call& call, const http::RequestHead& head);
  std::optional<std::uint32_t> named_version(Call& call, const http::RequestHead& head);
  std::optional<std::uint32_t> version_of_alias(Call& call, const std::string& name,
                                                const http::RequestHead& head);
  void invoke_past(std::uint32_t number, std::shared_ptr<Call> call, std::string&& body);
  void execute(const std::shared_ptr<Call>& call, model::VersionPtr version, std::string&& body);
  void submit(const std::shared_ptr<Call>& call, http::Request&& request);
  void executions(const http::RequestHead& head, http::Responder responder);
  void execution(const Route& route, http::Method method, http::Responder responder);
  void redrive_dead(const http::RequestHead& head, http::Responder responder);
  void log(const model::Function& function, const model::RequestId& request_id,
           const model::Execution& execution, model::CapturedLogs&& logs, std::int64_t total_us);
  void note_caller(const void* caller);
  void returned(const std::shared_ptr<Call>& call, dispatch::Answer&& answer);
  void answer_call(const std::shared_ptr<Call>& call, dispatch::Answer&& answer);
  // Null when the answer has been given: the body did not arrive whole.
  std::shared_ptr<Upload> whole_upload(const http::Request& request, http::Responder& responder);
  void create(http::Request&& request, http::Responder responder);
  void update(const model::FunctionPtr& function, http::Request&& request, http::Responder responder);
  void remove(const model::FunctionPtr& function, http::Responder responder);
  void roll_back(const model::FunctionPtr& function, http::Request&& request, http::Responder responder);
  FunctionChanges::Changed show_when_changed(http::Responder responder);
  void versions(const model::FunctionPtr& function, const http::RequestHead& head, http::Responder responder);
  void version(const model::FunctionPtr& function, std::uint32_t number, http::Responder responder);
  void publish(const model::FunctionPtr& function, http::Request&& request, http::Responder responder);
  void alias(const model::FunctionPtr& function, const std::string& name, http::Request&& request,
             http::Responder responder);
  static http::Response show_aliases(const model::Function& function);
  http::Response show_alias(const model::Function& function, const std::string& name);
  void set_alias(const model::FunctionPtr& function, const std::string& name, const http::Request& request,
                 http::Responder responder);
  void remove_alias(const model::FunctionPtr& function, const std::string& name, http::Responder responder);
  void forget(const model::FunctionId& function);
  void replaced(const model::Function& before, const model::Function& now);
  void apply_policy(const model::FunctionId& function);
  void count_ready(const model::FunctionPtr& function, std::function<void(std::uint32_t)> done);
  void show_with_ready(const model::FunctionPtr& function, http::Responder responder);
  void show_limits(const model::FunctionPtr& function, http::Responder responder);
  void policy(Endpoint endpoint, const model::FunctionPtr& function, const http::Request& request,
              http::Responder responder);
  void schedule(const model::FunctionPtr& function, const std::string& name, http::Request&& request,
                http::Responder responder);
  void set_schedule(const model::Function& function, const std::string& name, const http::Request& request,
                    http::Responder responder);
  void schedules(const model::FunctionId& function_id, const http::RequestHead& head,
                 http::Responder responder);
  FunctionChanges::Changed answer_when_changed(http::Responder responder,
                                               std::function<http::Response(const model::Function&)> answer);
  http::Response refused_body(const base::Error& error);
  http::Response list() const;
  http::Response show(const model::Function& function) const;
  void logs(const model::Function& function, const http::RequestHead& head, http::Responder responder);
  static std::uint64_t log_time(base::TimePoint now);
  void health(http::Responder responder);
  http::Response health_response(const PlatformStatus& status) const;
  void metrics(http::Responder responder);
  void workers(http::Responder responder);
  void drain_worker(const std::string& id, http::Responder responder);
  void capacity(http::Responder responder);
  template <typename Part>
  void gather(std::function<Part(Gateway&)> ask, std::function<void(std::vector<Part>)> done);
  PlatformStatus status() const;
  std::int64_t uptime_seconds() const;

  const GatewayOptions options_;
  const GatewayParts parts_;
  std::vector<Gateway*> others_;
  std::size_t index_ = 0;
  LogBook log_book_;
  Metrics metrics_;
  RefusedCallers refused_callers_;
  PastVersions past_versions_;
  const base::TimePoint started_;
  bool draining_ = false;
  ServingTerm term_;
  base::BootTime closes_at_ = base::BootTime::max();  // at its end, if it binds
  static constexpr std::chrono::milliseconds kCallersStay{50};
  base::TimePoint last_call_{};  // of those that are waited for
  static constexpr std::uint32_t kCallsOneByOne = 8;
  std::array<const void*, 2> last_callers_{};  // the latest first
  std::uint32_t calls_of_last_two_ = 0;
};

}  // namespace hearth::gateway
