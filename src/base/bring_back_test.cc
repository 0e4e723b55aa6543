#include "base/bring_back.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/manual_event_loop.h"
#include "base/reactor.h"

namespace hearth::base {
namespace {

TEST(BringBack, TellsOnTheHomeLoopWithArgumentsThatOnlyMove) {
  Reactor home;
  std::thread::id told_on;
  std::string told;
  auto bring = bring_back(home, std::function([&](std::unique_ptr<std::string> text) {
                            told_on = std::this_thread::get_id();
                            told = *text;
                            home.stop();
                          }));
  std::thread elsewhere([&] { bring(std::make_unique<std::string>("here")); });
  home.run();
  elsewhere.join();
  EXPECT_EQ(told, "here");
  EXPECT_EQ(told_on, std::this_thread::get_id());
}

TEST(BringBack, WhatWasNeverToldIsDestroyedOnTheHomeLoop) {
  ManualEventLoop home;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = held;
  auto bring = std::optional(bring_back(home, std::function([held = std::move(held)] {})));
  bring.reset();
  EXPECT_FALSE(alive.expired()) << "not by whoever let go of it";
  home.run_posted();
  EXPECT_TRUE(alive.expired());
}

TEST(BringBack, WhatWasToldIsDestroyedThereToo) {
  ManualEventLoop home;
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = held;
  int told = 0;
  auto bring = std::optional(bring_back(home, std::function([held = std::move(held), &told] { ++told; })));
  (*bring)();
  bring.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_EQ(told, 0);
  home.run_posted();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace hearth::base
