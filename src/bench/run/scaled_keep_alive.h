// Tests that run faster than what they play: times divided by the scale, the keep-alive too. One thread.
#pragma once

#include <chrono>

#include "bench/run/session.h"

namespace hearth::bench {

// At least 1 ms.
std::chrono::milliseconds scaled(std::chrono::milliseconds time, double scale);

// The paper's 15 minutes, which are Hearth's default, at that scale; at 1 nothing is wished.
void wish_keep_alive(TargetWish& wish, double scale);
// Notes what a server that the tool did not start should have been started with.
void tell_keep_alive(Session& session, double scale);

}  // namespace hearth::bench
