#include "worker/api/provision_book.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/manual_event_loop.h"

namespace hearth::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kept = std::vector<std::string>;

class ProvisionBookTest : public testing::Test {
 protected:
  static cluster::ToldProvision provision(const std::string& version, std::uint32_t count,
                                          std::uint64_t revision = 1, const std::string& function = "f") {
    auto made = std::make_shared<model::Version>();
    made->id = version;
    made->function_id = function;
    return {{made, "name"}, revision, count};
  }

  base::ManualEventLoop loop_;
  Kept kept_;
  ProvisionBook book_{{[this](const cluster::ToldProvision& each) {
                         kept_.push_back(each.told.version->id + " " + std::to_string(each.count));
                       },
                       [](const model::FunctionId& function) { return function == "f" ? 2U : 0U; }},
                      loop_};
};

TEST_F(ProvisionBookTest, TheWorkerHearsWhatIsNewOnce) {
  EXPECT_EQ(book_.told({provision("v", 3), provision("w", 1, 1, "g")}),
            (cluster::ReadyCounts{{"f", 2}, {"g", 0}}));
  book_.told({provision("v", 3)});
  EXPECT_EQ(kept_, (Kept{"v 3", "w 1"}));
  book_.told({provision("v", 2, 2)});
  book_.told({provision("v2", 2, 3)});
  EXPECT_EQ(kept_, (Kept{"v 3", "w 1", "v 2", "v2 2"}));
}

TEST_F(ProvisionBookTest, WhoKnowsAnOlderRevisionDoesNotCount) {
  book_.told({provision("new", 1, 5)});
  book_.told({provision("old", 3, 4)});
  EXPECT_EQ(kept_, (Kept{"new 1"}));
  loop_.advance(kProvisionLife - milliseconds(1));
  book_.told({provision("old", 3, 4)});
  loop_.advance(milliseconds(1));
  EXPECT_EQ(kept_, (Kept{"new 1", "new 0"})) << "nor does it keep the newer one";
}

TEST_F(ProvisionBookTest, WhatNobodySaysAnyMoreRunsOut) {
  book_.told({provision("v", 3), provision("w", 1, 1, "g")});
  loop_.advance(seconds(10));
  book_.told({provision("v", 3)});
  loop_.advance(seconds(5));
  EXPECT_EQ(kept_, (Kept{"v 3", "w 1", "w 0"}));
  loop_.advance(seconds(10));
  EXPECT_EQ(kept_.back(), "v 0");
  book_.told({provision("v", 3)});
  EXPECT_EQ(kept_.back(), "v 3") << "and begins anew";
}

TEST_F(ProvisionBookTest, WhatIsNotToBeKeptIsNotNoted) {
  book_.told({provision("v", 0)});
  EXPECT_TRUE(kept_.empty());
}

}  // namespace
}  // namespace hearth::worker
