#include <gtest/gtest.h>

#include <string>

#include "base/manual_event_loop.h"

namespace hearth::base {
namespace {

using std::chrono::milliseconds;

TEST(ManualEventLoop, RunsTimersInOrderAtTheirTimes) {
  ManualEventLoop loop;
  std::string order;
  const TimePoint start = loop.now();
  loop.at(start + milliseconds(20), [&] { order += "b"; });
  loop.at(start + milliseconds(10), [&] {
    order += "a";
    loop.at(start + milliseconds(15), [&] { order += "x"; });
  });
  const TimerId cancelled = loop.at(start + milliseconds(12), [&] { order += "!"; });
  loop.cancel(cancelled);
  loop.advance(milliseconds(30));
  EXPECT_EQ(order, "axb");
  EXPECT_EQ(loop.pending_timers(), 0U);
}

}  // namespace
}  // namespace hearth::base
