// A caller's demand as it is published: "wanted|still ASKER SERIAL MEMORY_MB VERSION", several a message, one
// a line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messaging/messaging.h"

namespace hearth::messaging {

struct PublishedDemand {
  bool is_new = true;  // the asker waits for an answer; else it only says that the demand still stands
  std::string asker;   // the asking process's name
  Demand demand;       // its id: the asker's serial number, never used twice

  bool operator==(const PublishedDemand&) const = default;
};

std::string to_text(const PublishedDemand& published);

// What can be read of it, line by line.
std::vector<PublishedDemand> demands_of(std::string_view text);

}  // namespace hearth::messaging
