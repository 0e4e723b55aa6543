// Targets whose function stands before the run: any URL, and the baselines, programs of bench/baselines that
// are started on a free port and ended by pid.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "bench/target/process_cpu.h"
#include "bench/target/server_process.h"
#include "bench/target/target.h"
#include "http/client.h"
#include "http/endpoint.h"

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;

using base::Error;
using base::ErrorCode;

base::Result<CallPlan> plan_of(const Address& address, std::string request, std::size_t body_bytes,
                               const TargetWish& wish) {
  CallPlan plan;
  plan.address = address;
  plan.requests.push_back(std::move(request));
  plan.request_body_bytes = body_bytes;
  plan.call_timeout = wish.call_timeout;
  return plan;
}

class HttpTarget final : public Target {
 public:
  HttpTarget(const TargetSpec& spec, const TargetWish& wish) : spec_(spec), wish_(wish) {}

  const std::string& name() const override { return spec_.name; }
  const Address& address() const override { return address_; }
  base::Result<void> settle(const std::atomic<bool>&) override { return {}; }
  std::vector<pid_t> server_pids() const override {
    return wish_.server_pid == 0 ? std::vector<pid_t>() : server_processes(wish_.server_pid);
  }

  base::Result<void> start() override {
    const auto endpoint = http::parse_endpoint(spec_.url);
    if (!endpoint) {
      return endpoint.error();
    }
    endpoint_ = *endpoint;
    const auto found = resolve(endpoint_.address.host, endpoint_.address.port);
    if (!found) {
      return found.error();
    }
    address_ = *found;
    return {};
  }

  // The answer is the platform's own affair: only its status is looked at.
  base::Result<CallPlan> plan(std::uint64_t body_bytes) override {
    TestFunction function = function_of(spec_, wish_);
    function.body_bytes = body_bytes > 0 ? body_bytes : function.body_bytes;
    const std::string body = wish_.body.empty() ? request_body(function) : wish_.body;
    const std::string path = endpoint_.prefix.empty() ? "/" : endpoint_.prefix;
    http::Client client("http://" + endpoint_.authority, wish_.call_timeout);
    const auto answer = client.request(http::Method::kPost, path, body);
    if (!answer) {
      return answer.error();
    }
    if (answer->status < 200 || answer->status > 299) {
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{} answered {}: {}", spec_.url, answer->status, answer->body.substr(0, 200))};
    }
    return plan_of(address_, post_request(endpoint_.authority, path, "", body), body.size(), wish_);
  }

 private:
  const TargetSpec spec_;
  const TargetWish wish_;
  http::Endpoint endpoint_;
  Address address_;
};

class BaselineTarget final : public Target {
 public:
  BaselineTarget(const TargetSpec& spec, const TargetWish& wish)
      : spec_(spec), wish_(wish), function_(function_of(spec, wish)) {}

  const std::string& name() const override { return spec_.name; }
  const Address& address() const override { return address_; }
  base::Result<void> settle(const std::atomic<bool>&) override { return {}; }
  std::vector<pid_t> server_pids() const override { return server_processes(server_.pid()); }

  base::Result<void> start() override {
    port_ = free_port();
    const auto command = command_line();
    if (!command) {
      return command.error();
    }
    if (auto started = server_.start(*command, port_); !started) {
      return started;
    }
    const auto found = resolve("127.0.0.1", port_);
    if (!found) {
      return found.error();
    }
    address_ = *found;
    return {};
  }

  base::Result<CallPlan> plan(std::uint64_t body_bytes) override {
    const std::string authority = fmt::format("127.0.0.1:{}", port_);
    const std::string path =
        spec_.kind == TargetKind::kWorkerd ? fmt::format("/{}", to_string(function_.kind)) : "/";
    TestFunction function = function_;
    function.body_bytes = body_bytes > 0 ? body_bytes : function.body_bytes;
    const std::string body = request_body(function);
    if (auto checked = check_one_call("http://" + authority, path, body, function); !checked) {
      return Error{checked.error().code, spec_.name + ": " + checked.error().message};
    }
    return plan_of(address_, post_request(authority, path, "", body), body.size(), wish_);
  }

 private:
  base::Result<std::vector<std::string>> command_line() const {
    switch (spec_.kind) {
      case TargetKind::kNode:
        return node_command();
      case TargetKind::kNginx:
        return nginx_command();
      case TargetKind::kWorkerd:
        return workerd_command();
      case TargetKind::kHearth:
      case TargetKind::kHttp:
        break;
    }
    return Error{ErrorCode::kInternal, "this is no baseline"};
  }

  base::Result<std::vector<std::string>> node_command() const {
    const std::string node = find_program("node");
    if (node.empty()) {
      return Error{ErrorCode::kNotFound,
                   "node is not in PATH: install Node.js 18 or newer (apt install nodejs)"};
    }
    return std::vector<std::string>{node, wish_.baselines + "/node_http.js", std::to_string(port_),
                                    fmt::format("{}/{}", wish_.baselines, to_string(function_.kind))};
  }

  base::Result<std::vector<std::string>> nginx_command() const {
    const std::string nginx = find_program("nginx");
    if (nginx.empty()) {
      return Error{ErrorCode::kNotFound, "nginx is not in PATH: install it (apt install nginx-light)"};
    }
    std::ostringstream text;
    text << std::ifstream(wish_.baselines + "/nginx.conf.in").rdbuf();
    std::string config = text.str();
    const std::string& folder = server_.folder().path();
    for (const auto& [mark, value] : {std::pair<std::string, std::string>{"@PORT@", std::to_string(port_)},
                                      std::pair<std::string, std::string>{"@FOLDER@", folder}}) {
      for (std::size_t at = config.find(mark); at != std::string::npos; at = config.find(mark)) {
        config.replace(at, mark.size(), value);
      }
    }
    return std::vector<std::string>{nginx, "-p", folder, "-c", server_.folder().write("nginx.conf", config)};
  }

  base::Result<std::vector<std::string>> workerd_command() const {
    const std::string folder = wish_.baselines + "/workerd";
    std::error_code failed;
    for (const auto& platform : fs::directory_iterator(folder + "/node_modules/@cloudflare", failed)) {
      const fs::path program = platform.path() / "bin/workerd";
      if (fs::exists(program, failed)) {
        return std::vector<std::string>{program.string(), "serve", folder + "/config.capnp",
                                        fmt::format("--socket-addr=http=127.0.0.1:{}", port_)};
      }
    }
    return Error{
        ErrorCode::kNotFound,
        fmt::format("workerd is not fetched: npm ci --ignore-scripts --prefix {} (or tools/dev baselines)",
                    folder)};
  }

  const TargetSpec spec_;
  const TargetWish wish_;
  const TestFunction function_;
  ServerProcess server_;
  std::uint16_t port_ = 0;
  Address address_;
};

}  // namespace

std::unique_ptr<Target> make_http_target(const TargetSpec& spec, const TargetWish& wish) {
  return std::make_unique<HttpTarget>(spec, wish);
}

std::unique_ptr<Target> make_baseline_target(const TargetSpec& spec, const TargetWish& wish) {
  return std::make_unique<BaselineTarget>(spec, wish);
}

}  // namespace hearth::bench
