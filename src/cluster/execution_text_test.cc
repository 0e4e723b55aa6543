// Executions as answers.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "cluster/fields.h"
#include "cluster/wire.h"

namespace hearth::cluster {
namespace {

using model::LogStream;
using model::OutcomeKind;

std::string odd_bytes() {
  std::string text = "out 5\nerr";
  for (int byte = 0; byte < 256; ++byte) {
    text.push_back(static_cast<char>(byte));
  }
  return text;
}

// As the gateway reads what the worker writes.
std::optional<ReadExecution> through(model::Execution execution,
                                     const std::optional<model::Allocation>& lease = std::nullopt) {
  ExecutionText text = to_text(std::move(execution), lease);
  return read_execution(text.meta, std::move(text.output) + text.more);
}

TEST(ExecutionText, EveryFieldComesBack) {
  model::Execution execution;
  execution.outcome = {
      OutcomeKind::kThrew, odd_bytes(), {"TypeError\n", "what " + odd_bytes(), "at x\nat y"}};
  execution.steps = {true, true, 1, 2, 3, INT64_MAX, 5, 6};
  execution.logs = {{{LogStream::kOut, "one"}, {LogStream::kErr, odd_bytes()}, {LogStream::kOut, "\n"}},
                    true};
  const auto read = through(execution, model::Allocation{"", "i", 3, UINT64_MAX, 128});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->execution, execution);
  EXPECT_EQ(read->lease_epoch, UINT64_MAX);
}

TEST(ExecutionText, APlainOneComesBack) {
  model::Execution execution;
  execution.outcome.output = "1";
  execution.steps.run_us = 7;
  const auto read = through(execution);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->execution, execution);
  EXPECT_FALSE(read->lease_epoch);
}

TEST(ExecutionText, TheInstanceIsNotSaid) {
  model::Execution execution;
  execution.instance = "i";
  EXPECT_EQ(through(execution)->execution.instance, "");
}

TEST(ExecutionText, EachOutcomeHasItsText) {
  for (auto kind = OutcomeKind::kReturned; kind <= model::kLastOutcome;
       kind = static_cast<OutcomeKind>(static_cast<int>(kind) + 1)) {
    model::Execution execution;
    execution.outcome.kind = kind;
    const auto read = through(execution);
    ASSERT_TRUE(read) << to_string(kind);
    EXPECT_EQ(read->execution.outcome.kind, kind);
  }
}

TEST(ExecutionText, AColdStartWithoutADurationIsColdAllTheSame) {
  model::Execution execution;
  execution.steps.cold = true;
  EXPECT_TRUE(through(execution)->execution.steps.cold);
}

TEST(ExecutionText, WhatIsNotKnownIsPassedOver) {
  std::string body = "out";
  add_field(body, "colour", "blue");
  add_field(body, "err", "e");
  add_field(body, "start", "1 2 3 4 5");  // a step more than is known
  const auto read = read_execution("returned 1 2 - 3", std::move(body));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->execution.outcome.output, "out");
  EXPECT_EQ(read->execution.logs.chunks, (std::vector<model::LogChunk>{{LogStream::kErr, "e"}}));
  EXPECT_EQ(read->execution.steps.init_us, 4);
}

TEST(ExecutionText, WhatIsMalformedIsRefused) {
  for (const std::string_view meta : {"",
                                      "returned",
                                      "returned 1",
                                      "returned 1 2",
                                      "returned 1 2 -",
                                      "returned 1 2 - ",
                                      "returned 1 2 - x",
                                      "returned 1 2 - -1",
                                      "returned 1 2 - 4",
                                      "returned 1 2 - 3 4",
                                      "returned x 2 - 3",
                                      "returned 1 x - 3",
                                      "returned -1 2 - 3",
                                      "returned 1 2  3",
                                      "returned 1 2 x 3",
                                      "returned 1 2 -1 3",
                                      "Returned 1 2 - 3",
                                      "unknown 1 2 - 3",
                                      "returned 1 2 - 18446744073709551616",
                                      "returned  1 2 - 3"}) {
    EXPECT_FALSE(read_execution(meta, "out")) << meta;
  }
  EXPECT_TRUE(read_execution("returned 1 2 - 3", "out"));
}

TEST(ExecutionText, WhatFollowsTheOutputHasToBeWhole) {
  for (const std::string_view more : {"x", "out 2\nx", "start 3\n1 2", "start 7\n1 2 3 x",
                                      "start 8\n-1 2 3 4", "start 0\n", "start 7\n1  2 3 "}) {
    EXPECT_FALSE(read_execution("returned 1 2 - 3", "abc" + std::string(more))) << more;
  }
}

}  // namespace
}  // namespace hearth::cluster
