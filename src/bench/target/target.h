// Something that answers calls and can be measured: a Hearth server, a baseline program that the tool
// starts itself, or any URL. start() brings it up, the destructor takes down what start() made. One thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/load/call_plan.h"
#include "bench/target/target_spec.h"
#include "bench/target/test_function.h"

namespace hearth::bench {

// What a run wants of every target.
struct TargetWish {
  std::string endpoint;  // of the server that `hearth` without serve= means
  std::string api_key;
  TestFunction function;
  std::uint32_t memory_mb = 512;
  std::string body;  // of an http:URL target; empty: the function's own
  std::chrono::milliseconds call_timeout{30'000};
  std::chrono::milliseconds keep_alive{0};  // of a server that is started; 0: its own default
  pid_t server_pid = 0;                     // of a server that was not started by the tool
  bool by_serverless = false;               // hearth: the Serverless Framework deploys the run's function
  std::string serverless;                   // its program; empty: looked for
  std::string baselines;                    // bench/baselines
};

// A function of its own, beside the one that the whole run calls.
struct FunctionWish {
  std::string files_folder;  // what is deployed
  std::string runtime;       // empty: the server's default
  std::uint32_t memory_mb = 512;
  std::uint32_t concurrency = 0;  // 0: the server's default
};

// Where functions can be added and removed; only Hearth is one.
class FunctionHost {
 public:
  virtual ~FunctionHost() = default;
  // Its id. The target removes it at its end, if remove() has not.
  virtual base::Result<std::string> deploy(const FunctionWish& wish) = 0;
  virtual void remove(const std::string& id) = 0;
  // What it tells of itself, as Prometheus reads it.
  virtual base::Result<std::string> metrics() = 0;
  // A call of it, ready to be sent.
  virtual std::string request(const std::string& id, const std::string& body) const = 0;
};

class Target {
 public:
  virtual ~Target() = default;

  virtual const std::string& name() const = 0;
  // kIo, kTimeout without a server; kNotFound when a program is missing; both say what to do.
  virtual base::Result<void> start() = 0;
  // Calls of the run's function with bodies of that size (0: the wish's): deploys it where that is needed,
  // calls it once and checks what it answers.
  virtual base::Result<CallPlan> plan(std::uint64_t body_bytes) = 0;
  // Where calls go, for who makes requests of his own.
  virtual const Address& address() const = 0;
  // The server's own processes; empty: not known.
  virtual std::vector<pid_t> server_pids() const = 0;
  // Waits until nothing that earlier calls began goes on, within a bound. kTimeout.
  virtual base::Result<void> settle(const std::atomic<bool>& stop) = 0;
  // Null when functions cannot be added.
  virtual FunctionHost* functions() { return nullptr; }
};

// The function that a spec asks for, else the run's.
TestFunction function_of(const TargetSpec& spec, const TargetWish& wish);

// Not started. kUnsupported for what the target cannot do (nginx knows hello alone).
base::Result<std::unique_ptr<Target>> make_target(const TargetSpec& spec, const TargetWish& wish);

std::unique_ptr<Target> make_hearth_target(const TargetSpec& spec, const TargetWish& wish);
std::unique_ptr<Target> make_baseline_target(const TargetSpec& spec, const TargetWish& wish);
std::unique_ptr<Target> make_http_target(const TargetSpec& spec, const TargetWish& wish);

// bench/baselines of the source tree, or share/hearth/bench of an installation. kNotFound names both.
base::Result<std::string> find_baselines();

// A POST with a JSON body as it goes onto the wire.
std::string post_request(const std::string& authority, const std::string& path, const std::string& api_key,
                         const std::string& body);

// One call, checked. `wrapped` as in check_answer.
base::Result<void> check_one_call(const std::string& url, const std::string& path, const std::string& body,
                                  const TestFunction& function);

}  // namespace hearth::bench
