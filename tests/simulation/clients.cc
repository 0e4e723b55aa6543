#include "tests/simulation/clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace hearth::simulation {

using gateway::ApiFailure;
using gateway::ApiResult;
using model::ApiErrorCode;
using model::AsyncExecution;
using model::ExecutionId;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kPatienceLeast{500};
constexpr std::uint32_t kPatienceMoreMs = 10'000;
constexpr std::uint32_t kMostTries = 8;
constexpr std::uint32_t kRecent = 40;
constexpr std::uint32_t kMostInABurst = 12;
constexpr std::uint32_t kBurstUs = 30'000;
constexpr std::size_t kLongInput = 2'000;

// Nothing was accepted.
bool is_refusal(ApiErrorCode code) {
  return code == ApiErrorCode::kQueueFull || code == ApiErrorCode::kTooManyRequests ||
         code == ApiErrorCode::kNotFound;
}

}  // namespace

Clients::Clients(Stage& stage, Servers& servers)
    : stage_(stage), servers_(servers), dice_(stage.new_dice()) {}

void Clients::start() {
  next_order();
  next_question();
}

base::Duration Clients::pause() { return microseconds(100 + dice_.below(3'000)); }

template <typename Value>
void Clients::ask(Question<Value> question, Told<Value> told) {
  const auto waits = std::make_shared<bool>(true);
  ServerHost* server = servers_[dice_.below(static_cast<std::uint32_t>(servers_.size()))].get();
  stage_.loop.at(stage_.loop.now() + kPatienceLeast + milliseconds(dice_.below(kPatienceMoreMs)),
                 [waits, told] {
                   if (std::exchange(*waits, false)) {
                     told(std::nullopt);
                   }
                 });
  const auto answer = [this, waits, heard = question.heard, told](const ApiResult<Value>& result) {
    if (heard) {
      heard(result);
    }
    stage_.loop.at(stage_.loop.now() + pause(), [waits, told, result] {
      if (std::exchange(*waits, false)) {
        told(result);
      }
    });
  };
  stage_.loop.at(stage_.loop.now() + pause(), [server, question = std::move(question), answer] {
    server->request(question.function, [question, answer](gateway::Executions* executions) {
      executions != nullptr ? question.ask(*executions, answer)
                            : answer(ApiFailure{ApiErrorCode::kNotFound, "there is no such function"});
    });
  });
}

// ---- submissions

void Clients::next_order() {
  const double mean_us = static_cast<double>(microseconds(stage_.settings.submit_every).count());
  const microseconds wait(static_cast<std::int64_t>(dice_.exponential(mean_us)));
  stage_.loop.at(stage_.loop.now() + wait, [this] {
    if (!finished_) {
      order();
      next_order();
    }
  });
}

void Clients::order() {
  Order order;
  order.input = fmt::format(R"({{"order":{},"pad":"{}"}})", orders_.size(),
                            std::string(dice_.below(20) == 0 ? kLongInput : 0, 'x'));
  const model::FunctionPtr function = stage_.directory.any();
  order.function_id = function->id;
  order.version = dice_.below(5) == 0 ? function->current.number : 0;
  if (dice_.below(2) == 0) {
    order.key = fmt::format("key-{}", orders_.size());
  }
  orders_.push_back(std::move(order));
  try_order(orders_.size() - 1);
}

void Clients::burst() {
  for (std::uint32_t left = 1 + dice_.below(kMostInABurst); left > 0; --left) {
    stage_.loop.at(stage_.loop.now() + microseconds(dice_.below(kBurstUs)), [this] { order(); });
  }
}

void Clients::try_order(std::size_t number) {
  Order& order = orders_[number];
  ++order.tries;
  ++counts_.submitted;
  gateway::Submission submission;
  submission.function_id = order.function_id;
  submission.version = order.version;
  submission.input = std::make_shared<const std::string>(order.input);
  submission.idempotency_key = order.key;
  ask<ExecutionId>(
      {order.function_id,
       [submission = std::move(submission)](gateway::Executions& executions,
                                            gateway::Executions::Submitted done) {
         executions.submit(submission, std::move(done));
       },
       [this, number](const ApiResult<ExecutionId>& result) {
         if (const auto* id = std::get_if<ExecutionId>(&result)) {
           accepted(number, *id);
         }
       }},
      [this, number](const std::optional<ApiResult<ExecutionId>>& answer) { answered(number, answer); });
}

// The 202 is on its way: from here on it must never be lost.
void Clients::accepted(std::size_t number, const ExecutionId& id) {
  Order& order = orders_[number];
  ++counts_.acknowledged;
  if (!order.accepted.empty() && order.accepted.back() != id &&
      !stage_.book.was_removed(order.accepted.back())) {
    wrong(id, fmt::format("is another execution of the order that is {}", order.accepted.back()));
  }
  if (stage_.book.find(id) == nullptr && !stage_.book.was_removed(id)) {
    wrong(id, "is acknowledged, and not stored");
  }
  order.accepted.push_back(id);
  if (known_.try_emplace(id, Known{number, {}, {}, false}).second) {
    ids_.push_back(id);
  } else if (known_.at(id).order != number) {
    wrong(id, "is the execution of two orders");
  }
}

void Clients::answered(std::size_t number, const std::optional<ApiResult<ExecutionId>>& answer) {
  Order& order = orders_[number];
  if (!answer) {
    ++counts_.unknown;
    order.unknown = true;
    try_again(number);
    return;
  }
  if (const auto* failed = std::get_if<ApiFailure>(&*answer)) {
    const bool refused = is_refusal(failed->code);
    ++(refused ? counts_.refused : counts_.unknown);
    order.unknown = order.unknown || !refused;
    if (failed->code == ApiErrorCode::kConflict) {
      stage_.trace.violation("an order conflicts with itself: " + failed->message);
    }
    try_again(number);
    return;
  }
  if (!order.key.empty() && dice_.below(10) == 0) {  // once more, for nothing
    try_again(number);
  }
}

// Without a key it might be executed twice.
void Clients::try_again(std::size_t number) {
  const Order& order = orders_[number];
  if (order.key.empty() || order.tries >= kMostTries) {
    return;
  }
  stage_.loop.at(stage_.loop.now() + milliseconds(50 + dice_.below(2'000)), [this, number] {
    if (!finished_) {
      ++counts_.asked_again;
      try_order(number);
    }
  });
}

// ---- questions

void Clients::next_question() {
  const double mean_us = 1.5 * static_cast<double>(microseconds(stage_.settings.submit_every).count());
  stage_.loop.at(
      stage_.loop.now() + microseconds(static_cast<std::int64_t>(dice_.exponential(mean_us))), [this] {
        if (finished_) {
          return;
        }
        if (!ids_.empty()) {
          const auto count = static_cast<std::uint32_t>(ids_.size());
          const std::uint32_t back = dice_.below(dice_.below(2) == 0 ? std::min(count, kRecent) : count);
          const ExecutionId id = ids_[count - 1 - back];
          const std::uint32_t kind = dice_.below(100);
          kind < 60   ? look_at(id)
          : kind < 80 ? cancel(id)
          : kind < 94 ? redrive(id)
          : kind < 97 ? redrive_dead()
                      : list();
        }
        next_question();
      });
}

void Clients::look_at(const ExecutionId& id) {
  ++counts_.reads;
  ask<AsyncExecution>(
      {{},
       [id](gateway::Executions& executions, gateway::Executions::Found done) {
         executions.find(id, std::move(done));
       }},

      [this, id, asked = stage_.loop.now()](const std::optional<ApiResult<AsyncExecution>>& answer) {
        const auto* failed = answer ? std::get_if<ApiFailure>(&*answer) : nullptr;
        if (failed != nullptr && failed->code == ApiErrorCode::kNotFound && !stage_.book.was_removed(id)) {
          wrong(id, "was acknowledged, and is not found");
        } else if (answer && failed == nullptr) {
          see(id, asked, std::get<AsyncExecution>(*answer));
        }
      });
}

void Clients::cancel(const ExecutionId& id) {
  ask<AsyncExecution>(
      {{},
       [id](gateway::Executions& executions, gateway::Executions::Found done) {
         executions.cancel(id, std::move(done));
       }},

      [this, id, asked = stage_.loop.now()](const std::optional<ApiResult<AsyncExecution>>& answer) {
        const auto* cancelled = answer ? std::get_if<AsyncExecution>(&*answer) : nullptr;
        if (cancelled == nullptr) {
          return;
        }
        if (cancelled->state != model::ExecutionState::kCancelled) {
          wrong(id, "is cancelled, and said to be " + std::string(to_string(cancelled->state)));
        }
        see(id, asked, *cancelled);
      });
}

void Clients::redrive(const ExecutionId& id) {
  known_.at(id).maybe_redriven = true;
  ask<AsyncExecution>({{},
                       [id](gateway::Executions& executions, gateway::Executions::Found done) {
                         executions.redrive(id, std::move(done));
                       }},
                      [](const std::optional<ApiResult<AsyncExecution>>&) {});
}

void Clients::redrive_dead() {
  redrove_dead_ = true;
  const model::FunctionId function = dice_.below(2) == 0 ? stage_.directory.any()->id : "";
  ask<std::size_t>({{},
                    [function](gateway::Executions& executions, gateway::Executions::Redriven done) {
                      executions.redrive_dead(function, std::move(done));
                    }},
                   [](const std::optional<ApiResult<std::size_t>>&) {});
}

void Clients::list() {
  using Listed = std::vector<AsyncExecution>;
  ++counts_.reads;
  store::ExecutionFilter filter;
  filter.state = static_cast<model::ExecutionState>(
      dice_.below(static_cast<std::uint32_t>(model::kLastExecutionState) + 1));
  ask<Listed>({{},
               [filter](gateway::Executions& executions, gateway::Executions::Listed done) {
                 executions.list(filter, std::move(done));
               }},
              [this, filter](const std::optional<ApiResult<Listed>>& answer) {
                const auto* listed = answer ? std::get_if<Listed>(&*answer) : nullptr;
                if (listed != nullptr && std::ranges::any_of(*listed, [&](const AsyncExecution& each) {
                      return each.state != filter.state;
                    })) {
                  stage_.trace.violation("an execution is listed in another state than was asked for");
                }
              });
}

}  // namespace hearth::simulation
