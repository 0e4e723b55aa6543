#include "bench/run/scaled_keep_alive.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text_units.h"

namespace hearth::bench {
namespace {

constexpr std::chrono::minutes kKeepAlive{15};

}  // namespace

std::chrono::milliseconds scaled(std::chrono::milliseconds time, double scale) {
  return std::chrono::milliseconds(
      std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(time.count()) / scale)));
}

void wish_keep_alive(TargetWish& wish, double scale) {
  if (scale != 1) {
    wish.keep_alive = scaled(kKeepAlive, scale);
  }
}

void tell_keep_alive(Session& session, double scale) {
  const bool any_foreign = std::ranges::any_of(session.targets(), [](const OpenTarget& open) {
    return open.spec.kind == TargetKind::kHearth && !open.spec.serve_flags;
  });
  if (scale != 1 && any_foreign) {
    session.progress().note(fmt::format("a keep-alive to match this scale is: hearth serve --keep-alive {}",
                                        base::format_duration(scaled(kKeepAlive, scale))));
  }
}

}  // namespace hearth::bench
