// kill -9 at random moments: what was accepted or settled is so afterwards, and nothing half done is left.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <random>
#include <sstream>

#include "store/sqlite/killed_child.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

constexpr int kRounds = 20;
constexpr std::size_t kBatch = 8;

std::string execution_id(unsigned number) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x-0000-7000-8000-000000000000", number);
  return text.data();
}

std::string input_of(const std::string& id) { return "{\"id\":\"" + id + "\"}"; }
std::string output_of(const std::string& id) { return "\"output of " + id + "\""; }

NewExecution execution_of(unsigned number) {
  NewExecution execution;
  execution.id = execution_id(number);
  execution.function_id = number % 3 == 0 ? "f" : "g";
  execution.input = std::make_shared<const std::string>(input_of(execution.id));
  execution.idempotency_key = number % 4 == 0 ? execution.id : "";
  execution.submitted_ms = 1;
  execution.lease_until_ms = number % 2 == 0 ? 1'000 : 0;
  return execution;
}

// It tells of the one that is done.
NewExecution webhook_after(const std::string& id) {
  NewExecution execution;
  execution.id = id;
  execution.id[17] = '1';
  execution.function_id = "f";
  execution.input = std::make_shared<const std::string>(input_of(execution.id));
  execution.submitted_ms = 1;
  execution.kind = model::ExecutionKind::kWebhook;
  execution.parent_id = id;
  return execution;
}

// Submits batches, claims some and settles what it has, until it is killed. Each line is written after its
// change was durable: "accepted ID" or "done ID".
[[noreturn]] void work_until_killed(const std::string& path, int out, unsigned first) {
  OpenStore store(path);
  std::vector<Lease> held;
  for (unsigned number = first;;) {
    ExecutionStore::Writes writes;
    std::string lines;
    for (std::size_t i = 0; i < kBatch; ++i, ++number) {
      writes.submissions.push_back(execution_of(number));
      lines += "accepted " + writes.submissions.back().id + "\n";
    }
    for (const Lease& lease : held) {
      Settlement settlement;
      settlement.lease = lease;
      settlement.ended_ms = 2;
      settlement.result.output = output_of(lease.id);
      settlement.follow_ups = {webhook_after(lease.id)};
      writes.settlements.push_back(std::move(settlement));
      lines += "done " + lease.id + "\n";
    }
    const auto written = store.executions->write(writes);
    const ClaimRequest request{1, 1'000, kBatch, kBatch, UINT64_MAX, {}, {}};
    const auto claimed = store.executions->claim(request);
    if (!written || !claimed ||
        ::write(out, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) {
      ::_exit(1);
    }
    held.clear();
    for (const NewExecution& execution : writes.submissions) {
      if (execution.lease_until_ms != 0) {
        held.push_back({execution.id, 1});
      }
    }
    for (const Claimed& one : *claimed) {
      held.push_back(one.lease);
    }
  }
}

// What was told last of each execution.
using History = std::map<std::string, std::string>;

// Lets a child work for a while, kills it and adds what it told to `history`.
void run_and_kill(const std::string& path, std::mt19937& dice, unsigned first, History& history) {
  std::istringstream stream(
      told_until_killed(dice, 40'000, [&](int out) { work_until_killed(path, out, first); }));
  std::string what;
  std::string id;
  while (stream >> what >> id) {
    history[id] = what;
  }
}

void expect_what_was_told(OpenStore& store, const History& history) {
  for (const auto& [id, what] : history) {
    const auto found = store.executions->find(id);
    ASSERT_TRUE(found.ok()) << what << " " << id << ": " << found.error().message;
    EXPECT_TRUE(what != "done" || found->state == model::ExecutionState::kDone) << id;
    EXPECT_EQ(found->result.output,
              found->state == model::ExecutionState::kDone ? output_of(id) : std::string());
  }
}

std::size_t backlog_of(OpenStore& store) {
  std::size_t backlog = 0;
  const auto of_functions = store.executions->backlog();
  EXPECT_TRUE(of_functions.ok());
  for (const Backlog& of_function : *of_functions) {
    backlog += of_function.executions;
  }
  return backlog;
}

// What is not done is executed by whoever comes next, with its input.
std::size_t claim_the_rest(OpenStore& store, model::ExecutionKind kind) {
  const auto claimed = store.executions->claim({1, 1'000, 1'000'000, 1'000'000, UINT64_MAX, {}, {}, kind});
  EXPECT_TRUE(claimed.ok());
  for (const Claimed& one : *claimed) {
    EXPECT_EQ(*one.input, input_of(one.lease.id));
  }
  return claimed->size();
}

TEST(ExecutionCrash, WhatWasAcceptedSurvivesKill9AtAnyMoment) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 dice(seed);
  const TestFolder folder;
  const std::string path = folder.path() + "/data";
  History history;
  for (unsigned round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    run_and_kill(path, dice, (round + 1) << 20U, history);
    OpenStore store(path);
    expect_what_was_told(store, history);
    ASSERT_TRUE(store.executions->release_all(1).ok());
    const std::size_t not_done = claim_the_rest(store, model::ExecutionKind::kCall);
    const std::size_t webhooks = claim_the_rest(store, model::ExecutionKind::kWebhook);
    EXPECT_EQ(not_done + webhooks, backlog_of(store));
    ExecutionFilter filter;
    filter.limit = 10'000'000;
    const std::size_t all = store.executions->list(filter)->size();
    filter.state = model::ExecutionState::kDone;
    EXPECT_EQ(webhooks, store.executions->list(filter)->size()) << "what follows is there with what is done";
    EXPECT_EQ(all, 2 * webhooks + not_done);
    EXPECT_GE(all - webhooks, history.size());
    EXPECT_EQ((all - webhooks) % kBatch, 0U) << "a batch is accepted whole or not at all";
  }
  std::printf("%zu executions after %d kills\n", history.size(), kRounds);
}

}  // namespace
}  // namespace hearth::store::sqlite
