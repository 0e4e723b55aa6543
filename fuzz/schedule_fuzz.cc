// What a user says of a schedule's times, and the files of time zones: no text crashes or takes long, and the
// next slot is after the moment that it was asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "schedule/cron.h"
#include "schedule/time_zone.h"
#include "schedule/timing.h"

namespace {

using namespace hearth::schedule;

constexpr std::int64_t kNow_ms = 1'800'000'000'000;

void expect_later(const Timing& timing) {
  std::int64_t at = kNow_ms;
  for (int i = 0; i < 3; ++i) {
    const auto next = timing.next_after(at);
    if (!next) {
      return;
    }
    if (*next <= at) {
      std::abort();
    }
    at = *next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto cron = parse_cron(text)) {
    expect_later(Timing(*cron, std::make_shared<const TimeZone>()));
  }
  (void)YearlyRule::parse(text);
  if (auto zone = parse_time_zone(text)) {
    const auto shared = std::make_shared<const TimeZone>(std::move(*zone));
    expect_later(Timing(*parse_cron("30 2 * * *"), shared));
    expect_later(Timing(*parse_cron("*/7 * * * *"), shared));
  }
  return 0;
}
