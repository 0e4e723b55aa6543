// Telling a worker over the link what it is to keep started.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

class LinkProvisions : public LinkTestBothWays {
 protected:
  // The answer's body, or the error's code.
  std::string provide(const std::string& body) {
    std::optional<std::string> answer;
    link_->provide(uri(), body, [&](const base::Result<std::string>& told) {
      answer = told ? *told : std::string(to_string(told.error().code));
    });
    EXPECT_TRUE(run_until([&] { return answer.has_value(); }));
    return answer.value_or("no answer");
  }
  static std::string three_of(const std::string& function) {
    auto version = std::make_shared<model::Version>();
    version->id = "v";
    version->function_id = function;
    std::string body;
    cluster::add_provision(body, {{version, "name"}, 1, 3});
    return body;
  }
};

INSTANTIATE_TEST_SUITE_P(Ways, LinkProvisions, testing::Bool(), name_of_way);

TEST_P(LinkProvisions, AreToldAndWhatIsReadyIsAnswered) {
  start_worker();
  EXPECT_EQ(provide(three_of("f")), "f 2\n");
  ASSERT_EQ(provisions_.size(), 1U);
  EXPECT_EQ(provisions_[0].told.function_name, "name");
  EXPECT_EQ(provisions_[0].count, 3U);
  EXPECT_EQ(provide("malformed"), "timeout");
  EXPECT_EQ(provisions_.size(), 1U);
}

TEST_P(LinkProvisions, NobodyAnswersWhereNobodyIs) {
  EXPECT_EQ(provide(three_of("f")), "timeout");
  EXPECT_EQ(provide(three_of("f")), "timeout") << "and is not asked again so soon";
}

TEST_P(LinkProvisions, WithoutTheKeyAWorkerIsToldNothing) {
  start_worker("another key");
  EXPECT_EQ(provide(three_of("f")), "timeout");
  EXPECT_TRUE(provisions_.empty());
}

}  // namespace
}  // namespace hearth::link
