// A pool whose only thread is busy until a test says so. Tests only.
#pragma once

#include <gtest/gtest.h>

#include <future>

#include "base/blocking_pool.h"

namespace hearth::base {

// Other jobs wait from now on until that is set.
inline std::promise<void> occupy(BlockingPool& pool) {
  std::promise<void> release;
  std::promise<void> began;
  EXPECT_TRUE(pool.submit([&began, released = release.get_future().share()] {
    began.set_value();
    released.wait();
  }));
  began.get_future().wait();
  return release;
}

}  // namespace hearth::base
