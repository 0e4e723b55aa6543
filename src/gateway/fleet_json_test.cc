#include "gateway/fleet_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace hearth::gateway {
namespace {

namespace json = boost::json;
using model::Member;
using model::MemberRole;
using model::MemberState;

TEST(FleetJson, HasEachMemberWhereItBelongs) {
  Member serve{"serve-1",
               MemberRole::kServe,
               MemberState::kDraining,
               "http://10.0.0.2:8081",
               "0.2.0",
               1'800'000'000'000,
               3,
               {},
               {}};
  serve.worker = {2'048, 1'024, 512, 768, 1, {{"idle", 2}, {"running", 1}}, 3};
  serve.gateway = {1, 2, 128, 256};
  Member gateway{"gateway-1", MemberRole::kGateway, MemberState::kServing, "", "0.1.0", 0, 1, {}, {}};
  gateway.gateway.emplace();
  const Member monitor{"monitor-1", MemberRole::kMonitor, MemberState::kServing, "", "0.1.0", 0, 1, {}, {}};
  const json::value all = json::parse(members_json({serve, gateway, monitor}));
  ASSERT_EQ(all.at("workers").as_array().size(), 1U);
  EXPECT_EQ(all.at("workers").at(0),
            json::parse(R"({"id":"serve-1","role":"serve","state":"draining","uri":"http://10.0.0.2:8081",
      "version":"0.2.0","startedAt":"2027-01-15T08:00:00.000Z",
      "memory":{"totalMb":2048,"freeMb":1024,"busyMb":512,"busyPeakMb":768},"coldAllocations":1,"versions":3,
      "instances":{"idle":2,"running":1},"calls":{"waiting":1,"running":2},
      "memoryWaitedForMb":128,"memoryWaitedForPeakMb":256})"));
  EXPECT_EQ(all.at("gateways").at(0).at("id"), "gateway-1");
  EXPECT_FALSE(all.at("gateways").at(0).as_object().contains("uri"));
  EXPECT_EQ(all.at("monitors").at(0).at("id"), "monitor-1");
  EXPECT_EQ(members_json({}), R"({"workers":[],"gateways":[],"monitors":[]})");
}

TEST(FleetJson, OfCapacityHasEveryFigure) {
  const membership::Capacity capacity{2, 1, 3, 2'000, 1'500, 300, 2, 4, 5, 6, 128};
  EXPECT_EQ(json::parse(capacity_json(capacity)),
            json::parse(R"({"workers":2,"workersDraining":1,"workersNeeded":3,
      "memory":{"totalMb":2000,"freeMb":1500,"busyMb":300,"waitedForMb":128},"coldAllocations":2,
      "instancesIdle":4,"calls":{"waiting":5,"running":6}})"));
}

}  // namespace
}  // namespace hearth::gateway
