// The demands of all processes, as this one's workers know them: each under a number of its own. Pure.
//
// A demand is heard from every server, and again while it stands; its withdrawal may be heard first, or
// never: so it is told to the workers once, forgotten when it is not renewed, and once withdrawn stays so.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"

namespace hearth::messaging {

class DemandBook {
 public:
  // Not heard of for so long a demand no longer stands: its asker is gone.
  static constexpr std::chrono::milliseconds kLife{2'000};
  // One more is not taken.
  static constexpr std::size_t kMost = 16'384;

  struct Entry {
    std::uint64_t local_id = 0;  // what the workers know it by, never 0
    base::TimePoint heard{};
    bool standing = true;  // not withdrawn
    bool coming = false;   // what the workers have answered
  };

  // The demand, heard now; `first`: never before. Null: there are too many. Valid until the next call.
  Entry* heard(const std::string& asker, std::uint64_t serial, base::TimePoint now, bool& first);

  // The workers' number for it, if it stood.
  std::optional<std::uint64_t> withdraw(const std::string& asker, std::uint64_t serial, base::TimePoint now);

  // Those that stood, and have not been heard of for kLife.
  std::vector<std::uint64_t> expire(base::TimePoint now);

 private:
  std::map<std::pair<std::string, std::uint64_t>, Entry> entries_;  // by asker and its serial
  std::uint64_t last_id_ = 0;
};

}  // namespace hearth::messaging
