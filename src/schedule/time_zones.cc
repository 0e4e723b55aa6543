#include "schedule/time_zones.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "model/schedule.h"

namespace hearth::schedule {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uintmax_t kMostFileBytes = 256 * 1'024;  // the largest there is has 4 KiB

// No way out of the folder, and neither of the two folders that hold all zones a second time.
bool may_be_name(std::string_view name) {
  return !name.empty() && name.size() <= model::kTimeZoneBytes && name.find("..") == std::string_view::npos &&
         name.front() != '/' && !name.starts_with("posix/") && !name.starts_with("right/") &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                  c == '_' || c == '-' || c == '+' || c == '.';
         });
}

Error no_such_zone(std::string_view name) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("there is no time zone \"{}\": say an IANA name such as Europe/Paris, or UTC", name)};
}

}  // namespace

base::Result<TimeZonePtr> TimeZones::find(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(name); found != known_.end()) {
      return found->second;
    }
  }
  auto zone = read(name);
  if (zone) {
    const std::lock_guard lock(mutex_);
    known_.emplace(name, *zone);
  }
  return zone;
}

base::Result<TimeZonePtr> TimeZones::read(const std::string& name) const {
  if (name == "UTC" || name == "Etc/UTC") {
    return std::make_shared<const TimeZone>();
  }
  if (!may_be_name(name)) {
    return no_such_zone(name);
  }
  std::error_code failed;
  if (!std::filesystem::is_directory(folder_, failed)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("this host knows no time zone but UTC: {} is not there (install tzdata)", folder_)};
  }
  const std::filesystem::path path = std::filesystem::path(folder_) / name;
  if (!std::filesystem::is_regular_file(path, failed)) {
    return no_such_zone(name);
  }
  if (std::filesystem::file_size(path, failed) > kMostFileBytes || failed) {
    return no_such_zone(name);
  }
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) {
    return base::io_error(path.string(), errno);
  }
  auto zone = parse_time_zone(bytes);
  if (!zone) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the time zone \"{}\" cannot be read: {}", name, zone.error().message)};
  }
  return std::make_shared<const TimeZone>(std::move(*zone));
}

}  // namespace hearth::schedule
