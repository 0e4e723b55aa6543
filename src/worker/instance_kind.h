// Which versions can share a pre-started instance, and what such an instance is. Values, pure.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "model/function.h"

namespace hearth::worker {

// Versions whose runtime is started just so.
struct InstanceKind {
  std::string runtime;
  std::uint32_t memory_mb = 0;  // where the runtime is told its memory when it is started; else 0

  auto operator<=>(const InstanceKind&) const = default;
};

// The kind that can become an instance of this version. Node is told the size of its heap by its command
// line.
InstanceKind kind_of(const model::Version& version);

// A runtime that boots and waits, with no function's code.
struct Prestart {
  std::string name;
  InstanceKind kind;
  std::uint32_t memory_mb = 0;  // that it may use until it is assigned
};

// What one that waits may need. A booted Node is charged 7 MB, a Python 4; whoever is the first to read its
// program from the disk is charged that too, some 40 MB.
std::uint32_t prestart_memory_mb(const InstanceKind& kind);

}  // namespace hearth::worker
