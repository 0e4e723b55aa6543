// Asking a worker over the link to leave.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

class LinkDrain : public LinkTestBothWays {
 protected:
  // "ok", or the error's code.
  std::string drain(const std::string& at) {
    std::optional<std::string> answer;
    link_->drain(at, [&](const base::Result<void>& drained) {
      answer = drained ? "ok" : std::string(to_string(drained.error().code));
    });
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    run_for(milliseconds(1));  // what the worker has posted
    return answer.value_or("no answer");
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkDrain, testing::Bool(), name_of_way);

TEST_P(LinkDrain, IsHeardOnceHoweverOftenItIsAsked) {
  start_worker();
  EXPECT_EQ(drain(uri()), "ok");
  EXPECT_EQ(drain(uri()), "ok");
  EXPECT_EQ(drains_, 1);
}

TEST_P(LinkDrain, NobodyAnswersWhereNobodyIs) {
  EXPECT_EQ(drain(uri()), "timeout");
  EXPECT_EQ(drain("no URI"), "invalid_argument");
  start_worker();
  EXPECT_EQ(drain(uri()), "ok") << "though it has not answered lately";
}

TEST_P(LinkDrain, AWorkerThatStandsStillIsNotWaitedForLonger) {
  start_worker();
  frozen_ = true;
  const auto began = base::Clock::now();
  EXPECT_EQ(drain(uri()), "timeout");
  EXPECT_LT(base::Clock::now() - began, kAdmission + kSlack);
}

TEST_P(LinkDrain, WithoutTheKeyAWorkerIsNotSentAway) {
  start_worker("another");
  EXPECT_EQ(drain(uri()), "timeout");
  EXPECT_EQ(drains_, 0);
}

}  // namespace
}  // namespace hearth::link
