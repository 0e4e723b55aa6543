// A Hearth server as a target: one that runs, or one that is started for the run; functions are deployed
// and removed over its public API.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/text_units.h"
#include "bench/target/process_cpu.h"
#include "bench/target/server_process.h"
#include "bench/target/serverless_deploy.h"
#include "bench/target/target.h"
#include "cli/api.h"
#include "cli/api_model.h"
#include "cli/code_package.h"
#include "cli/deploy_settings.h"
#include "cli/http_api.h"
#include "cli/upload_body.h"
#include "http/endpoint.h"
#include "model/limits.h"

namespace hearth::bench {
namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds kApiTimeout{120'000};
constexpr milliseconds kSettleBound{30'000};
constexpr milliseconds kSettlePoll{50};

// The value of the metric whose line begins so.
std::uint64_t gauge(std::string_view metrics, std::string_view line_begin) {
  const std::size_t at = metrics.find(line_begin);
  return at == std::string_view::npos
             ? 0
             : std::strtoull(std::string(metrics.substr(at + line_begin.size(), 20)).c_str(), nullptr, 10);
}

class HearthTarget final : public Target, public FunctionHost {
 public:
  HearthTarget(const TargetSpec& spec, const TargetWish& wish)
      : spec_(spec), wish_(wish), function_(function_of(spec, wish)) {}
  HearthTarget(const HearthTarget&) = delete;
  HearthTarget& operator=(const HearthTarget&) = delete;
  ~HearthTarget() override {
    while (!deployed_.empty()) {
      const std::string id = deployed_.back();
      remove(id);
    }
  }

  const std::string& name() const override { return spec_.name; }
  const Address& address() const override { return address_; }
  FunctionHost* functions() override { return this; }

  base::Result<void> start() override {
    url_ = wish_.endpoint;
    if (spec_.serve_flags) {
      if (auto started = start_server(url_); !started) {
        return started;
      }
    }
    const auto endpoint = http::parse_endpoint(url_);
    if (!endpoint) {
      return endpoint.error();
    }
    endpoint_ = *endpoint;
    const auto found = resolve(endpoint_.address.host, endpoint_.address.port);
    if (!found) {
      return found.error();
    }
    address_ = *found;
    api_ = std::make_unique<cli::HttpApi>(cli::Connection{url_, api_key(), kApiTimeout});
    const auto health = api_->send({http::Method::kGet, "/health", ""});
    if (!health) {
      return health.error();
    }
    return {};
  }

  base::Result<CallPlan> plan(std::uint64_t body_bytes) override {
    if (function_id_.empty()) {
      auto id = wish_.by_serverless ? deploy_by_framework() : deploy_own();
      if (!id) {
        return id.error();
      }
      function_id_ = std::move(*id);
    }
    TestFunction function = function_;
    function.body_bytes = body_bytes > 0 ? body_bytes : function.body_bytes;
    const std::string body = request_body(function);
    if (auto checked = check_call(function, body); !checked) {
      return checked.error();
    }
    CallPlan plan;
    plan.address = address_;
    plan.requests.push_back(request(function_id_, body));
    plan.request_body_bytes = body.size();
    plan.tells_start = true;
    plan.call_timeout = wish_.call_timeout;
    return plan;
  }

  std::vector<pid_t> server_pids() const override {
    const pid_t pid = server_.pid() != 0 ? server_.pid() : wish_.server_pid;
    return pid == 0 ? std::vector<pid_t>() : server_processes(pid);
  }

  // A cold start goes on when its caller has left, and takes CPU from the calls that follow.
  base::Result<void> settle(const std::atomic<bool>& stop) override {
    const auto deadline = std::chrono::steady_clock::now() + kSettleBound;
    while (!stop) {
      const auto text = metrics();
      if (!text) {
        return text.error();
      }
      if (gauge(*text, "\nhearth_instances{state=\"starting\"} ") +
              gauge(*text, "\nhearth_instances{state=\"running\"} ") ==
          0) {
        return {};
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return Error{ErrorCode::kTimeout, fmt::format("{}: instances are still starting after {}", spec_.name,
                                                      base::format_duration(kSettleBound))};
      }
      std::this_thread::sleep_for(kSettlePoll);
    }
    return {};
  }

  base::Result<std::string> deploy(const FunctionWish& wish) override {
    auto code = cli::open_code(wish.files_folder, model::UploadLimits{}.zip_bytes, {});
    if (!code) {
      return code.error();
    }
    cli::DeploySettings settings;
    settings.memory_mb = wish.memory_mb;
    if (wish.concurrency > 0) {
      settings.concurrency = wish.concurrency;
    }
    if (!wish.runtime.empty()) {
      settings.runtime = wish.runtime;
    }
    cli::UploadBody body(cli::json_before_zip(settings, std::nullopt), code->zip.get(), code->zip_bytes);
    http::BodySource source{
        body.size(), [&](char* buffer, std::size_t size) { return body.read(buffer, size); }, {}};
    const auto reply = api_->upload(http::Method::kPost, "/functions", source);
    if (!reply) {
      return reply.error();
    }
    const auto function = cli::parse_function(reply->body);
    if (reply->status != 201 || !function) {
      const auto failure = cli::parse_failure(reply->body);
      return Error{
          reply->status == 401 ? ErrorCode::kInvalidArgument : ErrorCode::kInternal,
          fmt::format("{}: deploying the test function was answered {} {}", spec_.name, reply->status,
                      failure.message.empty() ? reply->body.substr(0, 200) : failure.message)};
    }
    deployed_.push_back(function->id);
    return function->id;
  }

  void remove(const std::string& id) override {
    std::erase(deployed_, id);
    // A server that is started for the run ends with all that is in it; another's answer changes nothing.
    (void)api_->send({http::Method::kDelete, cli::function_path(id), ""});
  }

  base::Result<std::string> metrics() override {
    auto reply = api_->send({http::Method::kGet, "/metrics", ""});
    return reply ? base::Result<std::string>(std::move(reply->body)) : reply.error();
  }

  std::string request(const std::string& id, const std::string& body) const override {
    return post_request(endpoint_.authority, endpoint_.prefix + cli::function_path(id, "/invoke"), api_key(),
                        body);
  }

 private:
  base::Result<std::string> deploy_own() {
    const TemporaryFolder folder;
    const SourceFile source = source_of(function_.kind);
    folder.write(std::string(source.name), std::string(source.code));
    return deploy({folder.path(), "", memory_mb(), concurrency()});
  }

  base::Result<std::string> deploy_by_framework() {
    auto name =
        deploy_by_serverless({wish_.serverless, url_, api_key(), function_.kind, memory_mb(), concurrency()});
    if (name) {
      deployed_.push_back(*name);
    }
    return name;
  }

  std::uint32_t memory_mb() const { return spec_.memory_mb.value_or(wish_.memory_mb); }
  std::uint32_t concurrency() const { return spec_.concurrency.value_or(0); }
  std::string api_key() const { return spec_.serve_flags ? "" : wish_.api_key; }

  base::Result<void> start_server(std::string& url) {
    if (::geteuid() != 0) {
      return Error{ErrorCode::kUnsupported,
                   "serve= starts a server, which needs root: run it with sudo, or start one and name it by "
                   "--endpoint"};
    }
    const std::uint16_t port = free_port();
    std::error_code failed;
    std::vector<std::string> command = {std::filesystem::read_symlink("/proc/self/exe", failed).string(),
                                        "serve",
                                        "--listen",
                                        fmt::format("127.0.0.1:{}", port),
                                        "--data-dir",
                                        server_.folder().path() + "/data"};
    const auto flags = split_words(*spec_.serve_flags);
    if (!flags) {
      return flags.error();
    }
    command.insert(command.end(), flags->begin(), flags->end());
    if (wish_.keep_alive.count() > 0 && std::ranges::find(*flags, "--keep-alive") == flags->end()) {
      command.insert(command.end(), {"--keep-alive", base::format_duration(wish_.keep_alive)});
    }
    url = fmt::format("http://127.0.0.1:{}", port);
    return server_.start(command, port);
  }

  base::Result<void> check_call(const TestFunction& function, const std::string& body) {
    const auto reply = api_->send({http::Method::kPost, cli::function_path(function_id_, "/invoke"), body});
    if (!reply) {
      return reply.error();
    }
    const auto checked =
        reply->status == 200
            ? check_answer(function, reply->body, true)
            : base::Result<void>(Error{ErrorCode::kCorrupt, fmt::format("it answered {}: {}", reply->status,
                                                                        reply->body.substr(0, 200))});
    return checked ? checked
                   : Error{checked.error().code, fmt::format("{}: the first call of the test function: {}",
                                                             spec_.name, checked.error().message)};
  }

  const TargetSpec spec_;
  const TargetWish wish_;
  const TestFunction function_;
  ServerProcess server_;
  std::string url_;
  http::Endpoint endpoint_;
  Address address_;
  std::unique_ptr<cli::HttpApi> api_;
  std::vector<std::string> deployed_;
  std::string function_id_;  // of the run's function; empty: not deployed yet
};

}  // namespace

std::unique_ptr<Target> make_hearth_target(const TargetSpec& spec, const TargetWish& wish) {
  return std::make_unique<HearthTarget>(spec, wish);
}

}  // namespace hearth::bench
