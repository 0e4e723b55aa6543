// Time zones by their names, from the files of the system's tzdata. UTC is there without them.
//
// Thread-safe. A zone is read when it is first asked for, which blocks, and kept: not for a loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "schedule/time_zone.h"

namespace hearth::schedule {

using TimeZonePtr = std::shared_ptr<const TimeZone>;  // immutable, shared by all whose schedules are in it

class TimeZones {
 public:
  explicit TimeZones(std::string folder = "/usr/share/zoneinfo") : folder_(std::move(folder)) {}

  // kInvalidArgument: there is no such zone, or no tzdata on this host. kIo.
  base::Result<TimeZonePtr> find(const std::string& name);

 private:
  base::Result<TimeZonePtr> read(const std::string& name) const;

  const std::string folder_;
  std::mutex mutex_;
  std::map<std::string, TimeZonePtr, std::less<>> known_;  // guarded by mutex_; no more than there are files
};

}  // namespace hearth::schedule
