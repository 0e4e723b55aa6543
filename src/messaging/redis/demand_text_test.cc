// Demands as lines.
#include "messaging/redis/demand_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::messaging {
namespace {

TEST(DemandText, IsReadBackLineByLine) {
  const PublishedDemand wanted{true, "gateway-1", {UINT64_MAX, "v 1", 128}};
  const PublishedDemand still{false, "gateway-2", {7, "v2", 1024}};
  EXPECT_EQ(to_text(still), "still gateway-2 7 1024 v2\n");
  EXPECT_THAT(demands_of(to_text(wanted) + to_text(still)), testing::ElementsAre(wanted, still));
}

TEST(DemandText, LeavesOutWhatItCannotRead) {
  for (const std::string_view bad :
       {"", "\n", "wanted", "wanted a 1 128", "wanted a 1 128 ", "other a 1 128 v", "wanted a x 128 v",
        "wanted a 1 -1 v", "wanted  1 128 v"}) {
    EXPECT_TRUE(demands_of(bad).empty()) << bad;
  }
  EXPECT_EQ(demands_of("nonsense\nwanted a 1 128 v\n").size(), 1U);
}

}  // namespace
}  // namespace hearth::messaging
