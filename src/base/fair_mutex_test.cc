#include "base/fair_mutex.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace hearth::base {
namespace {

bool sleeps(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), {});
  return text.find(") S ") != std::string::npos;
}

TEST(FairMutex, IsHadByOneAtATime) {
  FairMutex mutex;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5'000; ++j) {
        const std::lock_guard lock(mutex);
        ++count;
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(count, 20'000);
}

// A std::mutex is had again by the one before, long before the one that sleeps has woken.
TEST(FairMutex, WhoUnlocksAndLocksAgainWaitsForWhoeverWaited) {
  FairMutex mutex;
  for (int i = 0; i < 50; ++i) {
    std::atomic<pid_t> asks = 0;
    bool had = false;
    mutex.lock();
    std::thread other([&] {
      asks = ::gettid();
      const std::lock_guard lock(mutex);
      had = true;
    });
    while (asks == 0 || !sleeps(asks)) {
      std::this_thread::yield();
    }
    mutex.unlock();
    mutex.lock();
    EXPECT_TRUE(had);
    mutex.unlock();
    other.join();
  }
}

}  // namespace
}  // namespace hearth::base
