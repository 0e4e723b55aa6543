#include "dispatch/gateway_share.h"

#include <gtest/gtest.h>

namespace hearth::dispatch {
namespace {

using model::MemberRole;
using model::MemberState;
using std::chrono::milliseconds;

model::Member member(const char* id, MemberRole role, MemberState state = MemberState::kServing,
                     std::uint32_t memory_mb = 0) {
  model::Member made;
  made.id = id;
  made.role = role;
  made.state = state;
  if (memory_mb > 0) {
    made.worker = model::WorkerLoad{};
    made.worker->memory_total_mb = memory_mb;
  }
  return made;
}

constexpr base::TimePoint kStart{std::chrono::hours(1)};

TEST(GatewayShare, PartsOfALimitAddUpToIt) {
  for (std::uint32_t gateways = 1; gateways <= 7; ++gateways) {
    for (std::uint32_t limit = 0; limit <= 30; ++limit) {
      std::uint32_t sum = 0;
      for (std::uint32_t rank = 0; rank < gateways; ++rank) {
        sum += GatewayShare{rank, gateways, true}.of(limit);
      }
      EXPECT_EQ(sum, limit) << gateways;
    }
  }
}

TEST(GatewayShare, OneAloneHasAllOfItAtOnce) {
  ShareKeeper keeper("gateway-b", milliseconds(2'000));
  EXPECT_EQ(keeper.look({}, kStart), (GatewayShare{0, 1, true})) << "its own card may come later";
  EXPECT_EQ(keeper.look({member("gateway-b", MemberRole::kGateway)}, kStart), (GatewayShare{0, 1, true}));
}

TEST(GatewayShare, WhoComesLaterAdmitsNothingUntilTheOthersCountItIn) {
  ShareKeeper keeper("gateway-b", milliseconds(2'000));
  const std::vector<model::Member> members{
      member("gateway-a", MemberRole::kGateway), member("gateway-b", MemberRole::kGateway),
      member("serve-c", MemberRole::kServe, MemberState::kDraining),
      member("gateway-0", MemberRole::kGateway, MemberState::kLeft), member("worker-a", MemberRole::kWorker)};
  EXPECT_EQ(keeper.look(members, kStart), (GatewayShare{1, 3, false}));
  EXPECT_EQ(keeper.look(members, kStart + milliseconds(1'999)).of(9), 0U);
  EXPECT_EQ(keeper.look(members, kStart + milliseconds(2'000)), (GatewayShare{1, 3, true}));
}

TEST(GatewayShare, WorkersThatServeAddTheirMemory) {
  EXPECT_EQ(worker_memory_mb({member("a", MemberRole::kWorker, MemberState::kServing, 1'000),
                              member("b", MemberRole::kServe, MemberState::kServing, 500),
                              member("c", MemberRole::kWorker, MemberState::kDraining, 200),
                              member("d", MemberRole::kGateway)}),
            1'500U);
}

}  // namespace
}  // namespace hearth::dispatch
