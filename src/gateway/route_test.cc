#include "gateway/route.h"

#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

TEST(Route, FindsEveryEndpoint) {
  EXPECT_EQ(find_route("/functions"), (Route{Endpoint::kFunctions, "", 0}));
  EXPECT_EQ(find_route("/functions/"), (Route{Endpoint::kFunctions, "", 0}));
  EXPECT_EQ(find_route("/functions/a"), (Route{Endpoint::kFunction, "a", 0}));
  EXPECT_EQ(find_route("/functions/a%2db/invoke"), (Route{Endpoint::kInvoke, "a-b", 0}));
  EXPECT_EQ(find_route("/functions/a/code"), (Route{Endpoint::kCode, "a", 0}));
  EXPECT_EQ(find_route("/functions/a/logs/"), (Route{Endpoint::kLogs, "a", 0}));
  EXPECT_EQ(find_route("/functions/a/versions"), (Route{Endpoint::kVersions, "a", 0}));
  EXPECT_EQ(find_route("/functions/a/versions/12"), (Route{Endpoint::kVersion, "a", 12}));
  EXPECT_EQ(find_route("/functions/a/rollback"), (Route{Endpoint::kRollback, "a", 0}));
  EXPECT_EQ(find_route("/functions/a/aliases"), (Route{Endpoint::kAliases, "a", 0}));
  EXPECT_EQ(find_route("/functions/a/aliases/blue%2Dgreen/"),
            (Route{Endpoint::kAlias, "a", 0, "blue-green"}));
  EXPECT_EQ(find_route("/functions/a/schedules"), (Route{Endpoint::kSchedules, "a", 0}));
  EXPECT_EQ(find_route("/functions/a/schedules/every%2Dday/"),
            (Route{Endpoint::kSchedule, "a", 0, "every-day"}));
  EXPECT_EQ(find_route("/schedules/"), (Route{Endpoint::kAllSchedules, "", 0}));
  EXPECT_EQ(find_route("/health"), (Route{Endpoint::kHealth, "", 0}));
  EXPECT_EQ(find_route("/metrics"), (Route{Endpoint::kMetrics, "", 0}));
  EXPECT_EQ(find_route("/workers/"), (Route{Endpoint::kWorkers, "", 0}));
  EXPECT_EQ(find_route("/capacity"), (Route{Endpoint::kCapacity, "", 0}));
  EXPECT_EQ(find_route("/workers/worker-1/drain"), (Route{Endpoint::kDrain, "worker-1", 0}));
  EXPECT_EQ(find_route("/workers/http%3A%2F%2F10.0.0.2%3A8081/drain"),
            (Route{Endpoint::kDrain, "http://10.0.0.2:8081", 0}));
}

TEST(Route, KnowsNoOther) {
  for (const char* path : {"",
                           "/",
                           "/function",
                           "/functions//invoke",
                           "/functions/a/b",
                           "/functions/a/invoke/b",
                           "/functions/%zz",
                           "/functions/%00",
                           "/healthy",
                           "functions",
                           "/workers//drain",
                           "/workers/drain",
                           "/workers/a",
                           "/workers/a/b/drain",
                           "/workers/%00/drain",
                           "/workers/a/drained",
                           "/capacity/a",
                           "/functions/a/versions/0",
                           "/functions/a/versions/-1",
                           "/functions/a/versions/1x",
                           "/functions/a/versions/4294967296",
                           "/functions/a/versions/1/b",
                           "/schedules/a",
                           "/functions/a/schedules//",
                           "/functions/a/schedules/b/c",
                           "/functions/a/aliases//",
                           "/functions/a/aliases/b/c",
                           "/functions/a/aliases/%zz"}) {
    EXPECT_FALSE(find_route(path)) << path;
  }
}

TEST(Route, SaysWhichMethodsAnEndpointTakes) {
  EXPECT_TRUE(allows(Endpoint::kInvoke, http::Method::kPost));
  EXPECT_FALSE(allows(Endpoint::kInvoke, http::Method::kGet));
  EXPECT_TRUE(allows(Endpoint::kAlias, http::Method::kPut));
  EXPECT_FALSE(allows(Endpoint::kAliases, http::Method::kPut));
  EXPECT_TRUE(allows(Endpoint::kVersions, http::Method::kPost));
  EXPECT_TRUE(allows(Endpoint::kFunction, http::Method::kHead));
  EXPECT_FALSE(allows(Endpoint::kFunction, http::Method::kOther));
}

TEST(Route, ReadsQueryValues) {
  EXPECT_EQ(query_value("limit=5&after=7", "after"), "7");
  EXPECT_EQ(query_value("a=%2F", "a"), "/");
  EXPECT_EQ(query_value("a", "a"), "");
  EXPECT_FALSE(query_value("limit=5", "lim"));
  EXPECT_FALSE(query_value("", "a"));
}

}  // namespace
}  // namespace hearth::gateway
