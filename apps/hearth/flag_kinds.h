// Kinds of flags that CLI11 does not have: durations and sizes as people write them. Used while the commands
// are put together.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <string>

namespace hearth {

struct DurationBounds {
  std::chrono::microseconds least = std::chrono::microseconds::min();
  std::chrono::microseconds most = std::chrono::microseconds::max();
};

// "250ms", "2s"; shows `value` as the default.
void add_duration(CLI::App& command, const std::string& flag, std::chrono::microseconds& value,
                  const std::string& help, const DurationBounds& bounds = {});
// The same, at least 1 ms.
void add_milliseconds(CLI::App& command, const std::string& flag, std::chrono::milliseconds& value,
                      const std::string& help);
// "50MiB"; `shown` is the default's text.
void add_bytes(CLI::App& command, const std::string& flag, std::uint64_t& value, const std::string& shown,
               const std::string& help);

}  // namespace hearth
