#include "tests/faults/hosts.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stdexcept>

#include "tests/faults/load.h"

namespace hearth::faults {
namespace {

using std::chrono::seconds;

constexpr const char* kNetwork = "10.77.0.0/24";

struct Role {
  std::string name;  // also how its hosts' names begin
  std::string port;
};

const Role& role_of(const std::string& host) {
  static const std::vector<Role> roles = {{"gateway", "8080"}, {"worker", "8081"}, {"monitor", "8082"}};
  return *std::ranges::find_if(roles, [&](const Role& role) { return host.starts_with(role.name); });
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

pid_t spawn(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  return pid;
}

}  // namespace

const std::vector<std::string>& Hosts::gateways() {
  static const std::vector<std::string> names = {"gateway1", "gateway2"};
  return names;
}

const std::vector<std::string>& Hosts::workers() {
  static const std::vector<std::string> names = {"worker1", "worker2", "worker3"};
  return names;
}

Hosts::Hosts() {
  for (const char* host : {"db", "queue", "client"}) {
    network_.add(host);
  }
  {
    const Network::Inside db(network_, "db");
    postgres_ = std::make_unique<store::postgres::PostgresServer>(kNetwork);
    store_url_ = replaced(postgres_->make_database(), "127.0.0.1", network_.address("db"));
  }
  {
    const Network::Inside queue(network_, "queue");
    redis_ = std::make_unique<messaging::RedisProcess>(
        std::vector<std::string>{"--bind", "0.0.0.0", "--protected-mode", "no"});
    messaging_url_ = "redis://" + network_.address("queue") + ":" + std::to_string(redis_->url().port);
  }
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  std::vector<std::string> roles = workers();
  roles.insert(roles.end(), gateways().begin(), gateways().end());
  roles.emplace_back(kMonitor);
  for (const std::string& host : roles) {
    network_.add(host);
    start(host);
  }
}

Hosts::~Hosts() {
  for (const auto& [host, pid] : processes_) {
    if (pid > 0) {
      stop(host);
    }
  }
}

std::string Hosts::endpoint(const std::string& host) const {
  return "http://" + network_.address(host) + ":" + role_of(host).port;
}

std::vector<std::string> Hosts::command_of(const std::string& host) const {
  std::vector<std::string> command = network_.on(host);
  const Role& role = role_of(host);
  command.insert(command.end(),
                 {test::hearth_binary(), role.name, "--listen", network_.address(host) + ":" + role.port,
                  "--store", store_url_, "--store-timeout", "1s", "--messaging", messaging_url_, "--data-dir",
                  folder_.path() + "/" + host, "--cluster-key", "of the tests"});
  if (role.name == "worker") {
    const auto number = std::find(workers().begin(), workers().end(), host) - workers().begin();
    command.insert(command.end(), {"--advertise", endpoint(host), "--memory", "4096", "--uid-base",
                                   std::to_string(500'000 + 20'000 * number)});
  } else {
    command.emplace_back("--insecure-no-auth");
  }
  if (role.name == "gateway") {
    command.insert(command.end(), {"--async-lease", std::to_string(kLease.count()) + "s",
                                   "--async-retry-delay", "50ms", "--async-retries", "20"});
  }
  return command;
}

void Hosts::start(const std::string& host) {
  processes_[host] = spawn(command_of(host), folder_.path() + "/" + host + ".log");
  if (!wait_up(host)) {
    throw std::runtime_error(host + " does not come up:\n" + log(host));
  }
}

bool Hosts::wait_up(const std::string& host) const {
  return test::eventually([&] { return get(host, "/health").status == 200; }, seconds(30));
}

void Hosts::kill(const std::string& host) {
  pid_t& pid = processes_.at(host);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  pid = -1;
}

void Hosts::freeze(const std::string& host) const { ::kill(processes_.at(host), SIGSTOP); }
void Hosts::thaw(const std::string& host) const { ::kill(processes_.at(host), SIGCONT); }

int Hosts::stop(const std::string& host) {
  pid_t& pid = processes_.at(host);
  ::kill(pid, SIGTERM);
  int status = 0;
  const bool ended = test::eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; }, seconds(40));
  if (!ended) {
    kill(host);
    return -1;
  }
  pid = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string Hosts::log(const std::string& host) const {
  return test::read_file(folder_.path() + "/" + host + ".log");
}

void Hosts::start_redis() {
  const Network::Inside queue(network_, "queue");
  redis_->start();
}

void Hosts::flush_redis() {
  const Network::Inside queue(network_, "queue");
  redis_->ask("FLUSHALL");
}

bool Hosts::offers_memory(const std::string& worker) {
  const Network::Inside queue(network_, "queue");
  return redis_->ask("LRANGE hearth:cold 0 -1").find(endpoint(worker)) != std::string::npos;
}

void Hosts::start_postgres() {
  const Network::Inside db(network_, "db");
  postgres_->start();
}

test::Reply Hosts::ask(const std::string& host, http::Method method, const std::string& target,
                       const Body& body) const {
  const Network::Inside client(network_, "client");
  http::Client connection(endpoint(host), seconds(20));
  auto response = connection.request(method, target, body.text, body.type);
  return response ? test::Reply{response->status, std::move(response->body), std::move(response->headers)}
                  : test::Reply{};
}

test::Reply Hosts::get(const std::string& host, const std::string& target) const {
  return ask(host, http::Method::kGet, target, {});
}

test::Reply Hosts::invoke(const std::string& gateway, const std::string& name,
                          const std::string& body) const {
  test::Reply reply = ask(gateway, http::Method::kPost, "/functions/" + name + "/invoke", {body});
  may_have_executed_ += faults::may_have_executed(reply.status) ? 1U : 0U;
  return reply;
}

test::Reply Hosts::deploy(const std::string& gateway, const std::string& name,
                          const std::string& index_js) const {
  return ask(gateway, http::Method::kPut, "/functions/" + name + "/code",
             {test::zip_of({{"index.js", index_js}}), "application/zip"});
}

void Hosts::create(const std::string& index_js, const std::string& name, int memory_mb) const {
  const std::string settings =
      test::function_settings(test::zip_of({{"index.js", index_js}}), name, memory_mb);
  if (const test::Reply reply = ask("gateway1", http::Method::kPost, "/functions", {settings});
      reply.status != 201) {
    throw std::runtime_error("cannot create " + name + ": " + reply.body);
  }
}

std::uint64_t Hosts::executions() const {
  std::uint64_t sum = 0;
  for (const std::string& host : workers()) {
    sum += executions(host);
  }
  return sum;
}

std::uint64_t Hosts::executions(const std::string& worker) const {
  return get(worker, "/health").json().at("executions").to_number<std::uint64_t>();
}

std::string Hosts::unrest() const {
  std::string found;
  for (const std::string& host : workers()) {
    const auto health = get(host, "/health").json();
    const auto* const object = health.if_object();
    if (object == nullptr) {
      found += host + " does not answer; ";
      continue;
    }
    const auto& instances = object->at("instances").as_object();
    if (!object->at("ledgerExact").as_bool()) {
      found += host + ": the ledger is not exact; ";
    }
    for (const char* state : {"starting", "running", "removing", "leased"}) {
      if (instances.contains(state) && instances.at(state).to_number<int>() != 0) {
        found += host + " has instances " + state + "; ";
      }
    }
  }
  return found;
}

}  // namespace hearth::faults
