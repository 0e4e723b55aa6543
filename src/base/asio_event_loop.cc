#include "base/asio_event_loop.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace hearth::base {

AsioEventLoop::AsioEventLoop(boost::asio::io_context& context) : context_(context), timer_(context) {}

TimerId AsioEventLoop::at(TimePoint when, std::function<void()> callback) {
  const TimerId id = timers_.add(when, std::move(callback));
  arm();
  return id;
}

void AsioEventLoop::cancel(TimerId timer) {
  // The system timer stays armed: it fires early at worst, finds nothing due and arms itself anew.
  timers_.cancel(timer);
}

void AsioEventLoop::post(std::function<void()> callback) { boost::asio::post(context_, std::move(callback)); }

void AsioEventLoop::arm() {
  const auto next = timers_.next();
  if (!next || *next >= armed_for_) {
    return;
  }
  armed_for_ = *next;
  timer_.expires_at(*next);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      run_due();
    }
  });
}

void AsioEventLoop::run_due() {
  armed_for_ = TimePoint::max();
  const TimePoint started = now();
  while (auto callback = timers_.pop_due(started)) {
    callback();
  }
  arm();
}

}  // namespace hearth::base
