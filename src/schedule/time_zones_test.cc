#include "schedule/time_zones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>
#include <vector>

namespace hearth::schedule {
namespace {

using testing::HasSubstr;

std::string refusal(TimeZones& zones, const std::string& name) {
  const auto zone = zones.find(name);
  EXPECT_FALSE(zone.ok()) << name;
  return zone.ok() ? "" : zone.error().message;
}

TEST(TimeZones, WithoutTzdataThereIsUtcAlone) {
  TimeZones zones("/nowhere/zoneinfo");
  EXPECT_EQ(**zones.find("UTC"), TimeZone());
  EXPECT_EQ(**zones.find("Etc/UTC"), TimeZone());
  EXPECT_THAT(refusal(zones, "Europe/Paris"), HasSubstr("knows no time zone but UTC"));
}

TEST(TimeZones, AreReadOnceAndSharedByAllThreads) {
  if (!std::filesystem::is_directory("/usr/share/zoneinfo")) {
    GTEST_SKIP() << "no tzdata";
  }
  TimeZones zones;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&zones] { EXPECT_EQ((*zones.find("Asia/Kathmandu"))->offset_at(1'800'000'000), 20'700); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(*zones.find("Asia/Kathmandu"), *zones.find("Asia/Kathmandu")) << "the same object";
}

TEST(TimeZones, WhatIsNoZoneIsSaid) {
  if (!std::filesystem::is_directory("/usr/share/zoneinfo")) {
    GTEST_SKIP() << "no tzdata";
  }
  TimeZones zones;
  for (const std::string name :
       {"", "Europe/Pariss", "Europe", "/etc/passwd", "../../../etc/passwd", "Europe/../UTC",
        "posix/Europe/Paris", "right/Europe/Paris", "Europe/Paris\n", "a b"}) {
    EXPECT_THAT(refusal(zones, name), HasSubstr("there is no time zone")) << name;
  }
  EXPECT_THAT(refusal(zones, std::string(65, 'a')), HasSubstr("there is no time zone"));
  EXPECT_THAT(refusal(zones, "tzdata.zi"), HasSubstr("cannot be read")) << "a file that is no zone";
}

}  // namespace
}  // namespace hearth::schedule
