// What the worker's end does itself with the files that come with a sandbox's start (sandbox::Control): to go
// by way of the launcher would cost a call the time in which that wakes up. Loop thread.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "launcher/packet.h"
#include "sandbox/sandbox.h"

namespace hearth::launcher {

// Out of the packet of a Started. Nothing when one was lost for want of a number: which it was cannot be
// told.
sandbox::Control take_control(PacketReceiver& packet, std::uint8_t present);

// Does nothing where there is no freezer. kIo.
base::Result<void> freeze(const sandbox::Control& control, bool frozen);

// 0 where nothing says it.
std::uint64_t used_bytes(const sandbox::Control& control);

}  // namespace hearth::launcher
