#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>

#include "base/asio_event_loop.h"
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

TEST(AsioEventLoop, RunsTimersAndPostsFromAnotherThread) {
  boost::asio::io_context context;
  AsioEventLoop loop(context);
  std::string order;
  loop.at(loop.now() + milliseconds(6), [&] { order += "2"; });
  loop.at(loop.now() + milliseconds(2), [&] { order += "1"; });
  loop.cancel(loop.at(loop.now() + milliseconds(1), [&] { order += "!"; }));
  std::thread other([&] { loop.post([&] { order += "p"; }); });
  context.run();
  other.join();
  context.restart();
  context.run();
  EXPECT_EQ(order.size(), 3U);
  EXPECT_LT(order.find('1'), order.find('2'));
  EXPECT_NE(order.find('p'), std::string::npos);
}

}  // namespace
}  // namespace hearth::base
