// The files of the IANA database. RFC 9636, section 3.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "schedule/time_zone.h"

namespace hearth::schedule {
namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kTypeBytes = 6;
// What no place has ever had, and what RFC 9636 allows.
constexpr std::int32_t kMostOffset_s = 26 * 3'600;

Error corrupt(const std::string& what) { return {ErrorCode::kCorrupt, "no file of a time zone: " + what}; }

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8U | static_cast<unsigned char>(byte);
  }
  return value;
}

struct Header {
  char version = 0;
  // In their order in the file.
  std::uint64_t ut_marks = 0;
  std::uint64_t standard_marks = 0;
  std::uint64_t leap_seconds = 0;
  std::uint64_t changes = 0;
  std::uint64_t types = 0;
  std::uint64_t name_bytes = 0;

  // Of all that follows, with times of so many bytes.
  std::uint64_t data_bytes(std::uint64_t time_bytes) const {
    return changes * (time_bytes + 1) + types * kTypeBytes + name_bytes + leap_seconds * (time_bytes + 4) +
           standard_marks + ut_marks;
  }
};

base::Result<Header> header_in(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with("TZif")) {
    return corrupt("it does not begin with TZif");
  }
  Header header;
  header.version = bytes[4];
  const std::array fields = {&header.ut_marks, &header.standard_marks, &header.leap_seconds,
                             &header.changes,  &header.types,          &header.name_bytes};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    *fields[i] = big_endian(bytes.substr(20 + 4 * i, 4));
  }
  return header;
}

base::Result<std::vector<std::int32_t>> offsets_in(std::string_view types) {
  std::vector<std::int32_t> offsets;
  for (; !types.empty(); types.remove_prefix(kTypeBytes)) {
    const auto offset = static_cast<std::int32_t>(static_cast<std::uint32_t>(big_endian(types.substr(0, 4))));
    if (offset < -kMostOffset_s || offset > kMostOffset_s) {
      return corrupt("a distance from UTC of more than a day");
    }
    offsets.push_back(offset);
  }
  return offsets;
}

base::Result<std::vector<OffsetChange>> changes_in(std::string_view times, std::string_view kinds,
                                                   const std::vector<std::int32_t>& offsets) {
  std::vector<OffsetChange> changes;
  changes.reserve(kinds.size());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto at = static_cast<std::int64_t>(big_endian(times.substr(8 * i, 8)));
    const auto kind = static_cast<unsigned char>(kinds[i]);
    if (kind >= offsets.size() || (!changes.empty() && at <= changes.back().at_s)) {
      return corrupt("changes that are out of order, or to nothing");
    }
    changes.push_back({at, offsets[kind]});
  }
  return changes;
}

// "\nEST5EDT,M3.2.0,M11.1.0\n"; nothing between the two lines where nobody knows.
base::Result<std::optional<YearlyRule>> rule_in(std::string_view footer) {
  const std::size_t end = footer.find('\n', 1);
  if (!footer.starts_with('\n') || end == std::string_view::npos) {
    return corrupt("its last line is missing");
  }
  const std::string_view text = footer.substr(1, end - 1);
  if (text.empty()) {
    return std::optional<YearlyRule>();
  }
  auto rule = YearlyRule::parse(text);
  return rule ? base::Result<std::optional<YearlyRule>>(std::move(*rule)) : corrupt(rule.error().message);
}

}  // namespace

base::Result<TimeZone> parse_time_zone(std::string_view bytes) {
  const auto old = header_in(bytes);
  if (!old) {
    return old.error();
  }
  if (old->version < '2') {
    return Error{ErrorCode::kUnsupported, "a file of a time zone of the first version, which ends in 2037"};
  }
  const std::uint64_t old_bytes = kHeaderBytes + old->data_bytes(4);
  if (bytes.size() < old_bytes) {
    return corrupt("it ends in its first part");
  }
  bytes.remove_prefix(old_bytes);
  const auto header = header_in(bytes);
  if (!header) {
    return header.error();
  }
  if (header->leap_seconds != 0) {
    return Error{ErrorCode::kUnsupported, "a time zone that counts leap seconds, which Unix time does not"};
  }
  if (header->types == 0 || bytes.size() < kHeaderBytes + header->data_bytes(8)) {
    return corrupt("it ends in its second part");
  }
  const std::string_view data = bytes.substr(kHeaderBytes);
  const auto offsets = offsets_in(data.substr(header->changes * 9, header->types * kTypeBytes));
  if (!offsets) {
    return offsets.error();
  }
  auto changes = changes_in(data.substr(0, header->changes * 8),
                            data.substr(header->changes * 8, header->changes), *offsets);
  if (!changes) {
    return changes.error();
  }
  auto rule = rule_in(data.substr(header->data_bytes(8)));
  if (!rule) {
    return rule.error();
  }
  return TimeZone(offsets->front(), std::move(*changes), std::move(*rule));
}

}  // namespace hearth::schedule
