// A listening socket as a descriptor, so that a server which gives up root before it does anything
// else can still have a port below 1024.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::http {

// HOST:PORT, [V6]:PORT; port 0 takes a free one. Connections wait in the backlog from here on.
// kInvalidArgument (no address), kIo (the port is taken, or not ours to have).
base::Result<base::UniqueFd> open_listener(const std::string& host_port);

}  // namespace hearth::http
