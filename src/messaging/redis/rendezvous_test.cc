// How evenly keys are spread over servers, and which of them move when one is lost.
#include "messaging/redis/rendezvous.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "base/random.h"

namespace hearth::messaging {
namespace {

constexpr std::size_t kKeys = 10'000;

std::vector<std::string> versions() {
  base::SeededRandom random(1);
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < kKeys; ++i) {
    ids.push_back(base::make_guid(random));
  }
  return ids;
}

std::vector<std::string> servers(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back("redis://10.0.0." + std::to_string(i + 1) + ":6379/0");
  }
  return names;
}

TEST(Rendezvous, SpreadsKeysWithinATenthOfEven) {
  for (const std::size_t count : {2U, 3U, 5U}) {
    std::vector<std::size_t> kept(count);
    for (const std::string& id : versions()) {
      ++kept[rendezvous_order(servers(count), id).front()];
    }
    for (const std::size_t keys : kept) {
      EXPECT_GE(keys, kKeys / count * 9 / 10);
      EXPECT_LE(keys, kKeys / count * 11 / 10);
    }
  }
}

TEST(Rendezvous, MovesOnlyWhatTheLostServerKeptAndSpreadsItToo) {
  const auto before = servers(3);
  const std::vector<std::string> after = {before[0], before[2]};
  std::size_t moved_to_first = 0;
  std::size_t moved = 0;
  for (const std::string& id : versions()) {
    const std::string& home = before[rendezvous_order(before, id).front()];
    const std::string& next = after[rendezvous_order(after, id).front()];
    if (home == before[1]) {
      ++moved;
      moved_to_first += next == before[0] ? 1U : 0U;
      EXPECT_EQ(next, before[rendezvous_order(before, id)[1]]) << "the next in its order";
    } else {
      EXPECT_EQ(next, home);
    }
  }
  EXPECT_NEAR(static_cast<double>(moved_to_first), static_cast<double>(moved) / 2,
              static_cast<double>(moved) / 20);
}

TEST(Rendezvous, DoesNotDependOnTheOrderInWhichServersAreNamed) {
  const auto ahead = servers(3);
  const std::vector<std::string> back(ahead.rbegin(), ahead.rend());
  for (const std::string& id : versions()) {
    EXPECT_EQ(ahead[rendezvous_order(ahead, id).front()], back[rendezvous_order(back, id).front()]);
  }
}

// Another value and processes of two builds look for a version on different servers.
TEST(Rendezvous, IsTheSameHashInEveryBuild) {
  EXPECT_EQ(rendezvous_weight("", ""), 0U);
  EXPECT_EQ(rendezvous_weight("redis://127.0.0.1:6379/0", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"),
            1483256168503154024U);
}

}  // namespace
}  // namespace hearth::messaging
