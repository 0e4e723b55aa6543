// Drives one of hiredis's asynchronous connections from our loop.
//
// hiredis wants to be told while a descriptor is readable or writable; the reactor tells each edge once. So
// after each edge, and each time hiredis has something to write, poll(2) is asked until nothing is left. What
// is written in one turn of the loop goes out together at its end. Loop thread only.
#pragma once

#include "base/reactor.h"

struct redisAsyncContext;

namespace hearth::messaging {

// Before its first callback is set. It lets go by itself when hiredis ends the connection; `reactor` outlives
// that.
void attach_to_reactor(redisAsyncContext& context, base::Reactor& reactor);

}  // namespace hearth::messaging
