// A schedule: when a function is to be executed by itself, and what became of its slots. A slot is a moment
// at which one execution is due. Pure values. Times are Unix time in milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/function.h"

namespace hearth::model {

inline constexpr std::size_t kSchedulesPerFunction = 100;
inline constexpr std::size_t kScheduleInputBytes = 32 * 1'024;
inline constexpr std::size_t kCronBytes = 256;
inline constexpr std::size_t kTimeZoneBytes = 64;
inline constexpr std::uint32_t kShortestRate_s = 1;
inline constexpr std::uint32_t kLongestRate_s = 31 * 24 * 3'600;

// What becomes of slots that nobody executed in time: no server was up, the clock jumped, or the backlog was
// full.
enum class MissedSlots {
  kSkip,  // they are not executed
  kOnce,  // one execution for all of them
  kAll,   // each is executed, the oldest first; of the newest kMostSlotsWaiting
};
inline constexpr MissedSlots kLastMissedSlots = MissedSlots::kAll;
inline constexpr std::size_t kMostSlotsWaiting = 1'000;

std::string_view to_string(MissedSlots policy);  // "skip"

// What a user says of one.
struct ScheduleSetting {
  FunctionId function_id;
  std::string name;           // unique within the function; the rule of aliases' names
  std::string cron;           // empty: it has a rate
  std::string time_zone;      // of the cron expression: an IANA name
  std::uint32_t every_s = 0;  // a rate; 0: it has a cron expression
  std::string input;          // JSON text; empty: none
  std::uint32_t version = 0;  // 0: the one that is current when it is executed
  std::string alias;          // the version that it stands for at the slot; empty: none
  bool enabled = true;        // else it has no slots
  MissedSlots missed = MissedSlots::kSkip;

  bool operator==(const ScheduleSetting&) const = default;
};

struct Schedule {
  ScheduleSetting setting;
  std::string setting_id;  // a GUID, another one with every change by a user
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;     // by a user
  std::int64_t anchor_ms = 0;      // a rate's slots are counted from here
  std::int64_t next_ms = 0;        // the first slot of which nothing is decided yet; 0: there is none
  std::int64_t last_slot_ms = 0;   // the last one that was executed; 0: none
  std::string last_execution_id;   // of that slot
  std::uint64_t missed_slots = 0;  // that were not executed

  bool operator==(const Schedule&) const = default;
};

}  // namespace hearth::model
