// The clients of a simulated platform, and what they know: what they asked for, what they were told, and in
// which order. What they were told must go together, and with what is stored at the end. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/server_host.h"
#include "tests/simulation/stage.h"

namespace hearth::simulation {

// What one client wants to have executed. It asks again, with its key, when it does not know whether it is.
struct Order {
  std::string input;
  model::FunctionId function_id;
  std::uint32_t version = 0;
  std::string key;
  std::uint32_t tries = 0;
  bool unknown = false;                      // one try had no answer
  std::vector<model::ExecutionId> accepted;  // what the 202s said
};

// What clients have been told of one execution.
struct Known {
  std::size_t order = 0;
  base::TimePoint seen{};  // the last answer
  model::AsyncExecution last;
  bool maybe_redriven = false;  // somebody has asked for this one
};

struct ClientCounts {
  std::uint64_t submitted = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t unknown = 0;
  std::uint64_t refused = 0;
  std::uint64_t asked_again = 0;
  std::uint64_t reads = 0;
};

class Clients {
 public:
  using Servers = std::vector<std::unique_ptr<ServerHost>>;

  // Both outlive it.
  Clients(Stage& stage, Servers& servers);
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  void start();
  // Asks for nothing more of its own accord.
  void finish() { finished_ = true; }
  // A few orders at once.
  void burst();

  // What they know, beside everything that is stored.
  void compare(const std::vector<model::AsyncExecution>& dump);
  const ClientCounts& counts() const { return counts_; }

 private:
  template <typename Value>
  using Told = std::function<void(std::optional<gateway::ApiResult<Value>>)>;

  template <typename Value>
  struct Question {
    model::FunctionId function;  // empty: of none in particular
    std::function<void(gateway::Executions&, std::function<void(gateway::ApiResult<Value>)>)> ask;
    // Called when the server answers, whether or not the client still listens.
    std::function<void(const gateway::ApiResult<Value>&)> heard{};
  };

  // `told` gets the answer, or nothing: there was none, and nobody knows what happened.
  template <typename Value>
  void ask(Question<Value> question, Told<Value> told);
  void next_order();
  void order();
  void next_question();
  void try_order(std::size_t number);
  void answered(std::size_t number, const std::optional<gateway::ApiResult<model::ExecutionId>>& answer);
  void try_again(std::size_t number);
  void accepted(std::size_t number, const model::ExecutionId& id);
  void look_at(const model::ExecutionId& id);
  void cancel(const model::ExecutionId& id);
  void redrive(const model::ExecutionId& id);
  void redrive_dead();
  void list();
  void see(const model::ExecutionId& id, base::TimePoint asked, const model::AsyncExecution& found);
  bool may_go_on(const model::ExecutionId& id, const Known& known) const;
  void check_order(const Order& order);
  void check_known(const model::ExecutionId& id, const Known& known, const model::AsyncExecution* stored);
  void wrong(const model::ExecutionId& id, const std::string& what);
  base::Duration pause();

  Stage& stage_;
  Servers& servers_;
  sim::Dice dice_;
  std::vector<Order> orders_;
  std::map<model::ExecutionId, Known> known_;
  std::vector<model::ExecutionId> ids_;  // in the order in which they became known
  ClientCounts counts_;
  bool redrove_dead_ = false;  // of one function, or all: some may get there late
  bool finished_ = false;
};

}  // namespace hearth::simulation
