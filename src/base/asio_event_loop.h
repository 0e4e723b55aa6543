// The real event loop: a shell around one asio::io_context run by one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/event_loop.h"
#include "base/timer_queue.h"

namespace hearth::base {

class AsioEventLoop final : public EventLoop {
 public:
  explicit AsioEventLoop(boost::asio::io_context& context);

  TimePoint now() const override { return Clock::now(); }
  TimerId at(TimePoint when, std::function<void()> callback) override;
  void cancel(TimerId timer) override;
  void post(std::function<void()> callback) override;

 private:
  void arm();
  void run_due();

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  TimerQueue timers_;
  TimePoint armed_for_ = TimePoint::max();
};

}  // namespace hearth::base
