// The service log: one line an event on stderr, asynchronous, so that no loop waits for a terminal.
// Thin names over spdlog; messages hold no payload and no secret.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace hearth::base {

// `level`: trace, debug, info, warn, error. Call once, before threads start; after a fork the child
// calls it again with its own `process` name. Lines beyond a queue of 8,192 are dropped, newest kept.
bool start_log(std::string_view level, std::string_view process);

}  // namespace hearth::base
