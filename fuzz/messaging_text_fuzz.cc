// What other processes write into Redis: whatever stands there is read without harm, and what can be read is
// written back as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "messaging/redis/allocation_text.h"
#include "messaging/redis/demand_text.h"
#include "messaging/redis/member_text.h"

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto allocation = hearth::messaging::allocation_of(text)) {
    require(hearth::messaging::to_text(*allocation) == text);
    require(text.starts_with(hearth::messaging::entry_prefix(*allocation)));
    require(text.starts_with(hearth::messaging::entry_prefix(allocation->instance)));
  }
  for (const auto& demand : hearth::messaging::demands_of(text)) {
    const auto again = hearth::messaging::demands_of(to_text(demand));
    require(again.size() == 1 && again.front() == demand);
  }
  // What it cannot write (a state's name with '=' in it) it may have read all the same.
  if (const auto card = hearth::messaging::member_of(text)) {
    const auto again = hearth::messaging::to_text(*card);
    require(!again || hearth::messaging::member_of(*again) == card);
  }
  return 0;
}
