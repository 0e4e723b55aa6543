#include "messaging/redis/reactor_adapter.h"

#include <hiredis/async.h>
#include <poll.h>

#include <memory>
#include <utility>

namespace hearth::messaging {
namespace {

// Reads and writes in one go, before others of the loop have their turn.
constexpr int kRounds = 16;

// Shared between hiredis (through `self`) and what is posted; it may end in the middle of its own work.
struct Adapter : std::enable_shared_from_this<Adapter> {
  Adapter(redisAsyncContext& of, base::Reactor& on) : context(&of), reactor(on) {}

  void pump() {
    const auto alive = shared_from_this();
    for (int round = 0; round < kRounds; ++round) {
      if (context == nullptr) {
        return;
      }
      const int events = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0);
      pollfd at{context->c.fd, static_cast<short>(events), 0};
      if (::poll(&at, 1, 0) <= 0) {
        return;
      }
      if ((at.revents & POLLOUT) != 0) {
        redisAsyncHandleWrite(context);
      } else {
        redisAsyncHandleRead(context);
      }
    }
    pump_soon();
  }

  void pump_soon() {
    if (posted || context == nullptr) {
      return;
    }
    posted = true;
    reactor.post([weak = weak_from_this()] {
      if (const auto adapter = weak.lock()) {
        adapter->posted = false;
        adapter->pump();
      }
    });
  }

  redisAsyncContext* context;  // null once hiredis has ended the connection
  base::Reactor& reactor;
  base::Reactor::Watch watch;
  std::shared_ptr<Adapter> self;
  bool reading = false;
  bool writing = false;
  bool posted = false;
};

Adapter& of(void* data) { return *static_cast<Adapter*>(data); }

void add_read(void* data) {
  if (!std::exchange(of(data).reading, true)) {
    of(data).pump_soon();
  }
}
void stop_reading(void* data) { of(data).reading = false; }
void add_write(void* data) {
  if (!std::exchange(of(data).writing, true)) {
    of(data).pump_soon();
  }
}
void stop_writing(void* data) { of(data).writing = false; }

// hiredis calls it once or twice.
void clean_up(void* data) {
  Adapter& adapter = of(data);
  adapter.watch.stop();
  std::exchange(adapter.context, nullptr)->ev = {};
  adapter.self.reset();
}

}  // namespace

void attach_to_reactor(redisAsyncContext& context, base::Reactor& reactor) {
  const auto adapter = std::make_shared<Adapter>(context, reactor);
  adapter->self = adapter;
  adapter->watch = reactor.watch(context.c.fd, [weak = adapter->weak_from_this()](base::Readiness) {
    if (const auto alive = weak.lock()) {
      alive->pump();
    }
  });
  context.ev.data = adapter.get();
  context.ev.addRead = add_read;
  context.ev.delRead = stop_reading;
  context.ev.addWrite = add_write;
  context.ev.delWrite = stop_writing;
  context.ev.cleanup = clean_up;
}

}  // namespace hearth::messaging
