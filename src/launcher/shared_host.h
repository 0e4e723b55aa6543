// One sandbox::Host for the instances of several loops: each loop has its own view, and every call and
// callback crosses to the host's loop and back by message. Starts and ends only: nothing of a warm call.
#pragma once

#include <memory>

#include "base/event_loop.h"
#include "sandbox/sandbox.h"

namespace hearth::launcher {

class SharedHost {
 public:
  // `host` lives on `home`. Takes over its on_exit(). Both outlive this object and its views.
  SharedHost(base::EventLoop& home, sandbox::Host& host);
  SharedHost(const SharedHost&) = delete;
  SharedHost& operator=(const SharedHost&) = delete;
  ~SharedHost();

  // For use on `loop`, which outlives what is returned. Call it before the loops run. Names are unique over
  // all views.
  std::unique_ptr<sandbox::Host> view(base::EventLoop& loop);

 private:
  struct Shared;
  class View;

  std::shared_ptr<Shared> shared_;  // messages under way use it too
};

}  // namespace hearth::launcher
