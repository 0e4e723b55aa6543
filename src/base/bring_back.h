// A callback for work that is done on another loop: it is told, and destroyed, on its own.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <utility>

#include "base/event_loop.h"

namespace hearth::base {

// What any thread may call, once: `callback` then runs on `home`, soon. Never called, `callback` is destroyed
// there all the same: what it holds is seen by one thread only. `home` outlives what is returned.
template <typename... Arguments>
std::function<void(Arguments...)> bring_back(EventLoop& home, std::function<void(Arguments...)> callback) {
  using Callback = std::function<void(Arguments...)>;
  const std::shared_ptr<Callback> held(new Callback(std::move(callback)), [&home](Callback* dropped) {
    if (*dropped) {
      home.post([owned = std::shared_ptr<Callback>(dropped)] {});
    } else {
      delete dropped;  // moved from: nothing is left in it
    }
  });
  return [&home, held](Arguments... arguments) {
    // Shared, because std::function copies what it holds and not every argument can be copied.
    auto told = std::make_shared<std::tuple<Arguments...>>(std::move(arguments)...);
    home.post([callback = std::exchange(*held, nullptr), told] { std::apply(callback, std::move(*told)); });
  };
}

}  // namespace hearth::base
