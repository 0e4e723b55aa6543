#include "sim/recovery.h"

#include <algorithm>

namespace hearth::sim {
namespace {

using Count = std::uint32_t (*)(const Second&);

double share_of(const std::vector<Second>& seconds, std::size_t from, std::size_t to, Count count) {
  double counted = 0;
  double calls = 0;
  for (std::size_t i = from; i < to; ++i) {
    counted += count(seconds[i]);
    calls += seconds[i].calls;
  }
  return calls > 0 ? counted / calls : 0;
}

std::optional<std::size_t> back_after(const std::vector<Second>& seconds, std::size_t lost_at, Count count) {
  const std::size_t before = lost_at > kBefore ? lost_at - kBefore : 0;
  const double most = kFactor * share_of(seconds, before, lost_at, count) + kSlack;
  std::size_t good = 0;  // windows in a row
  for (std::size_t begin = lost_at; begin + kWindow <= seconds.size(); ++begin) {
    good = share_of(seconds, begin, begin + kWindow, count) <= most ? good + 1 : 0;
    if (good > kWindow) {
      return begin - kWindow - lost_at;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> Recovery::all_s() const {
  if (!failed_s || !cold_s || !refused_s) {
    return std::nullopt;
  }
  return std::max({*failed_s, *cold_s, *refused_s});
}

Recovery recovery_of(const std::vector<Second>& seconds, std::size_t lost_at) {
  return {back_after(seconds, lost_at, [](const Second& second) { return second.failed + second.rejected; }),
          back_after(seconds, lost_at, [](const Second& second) { return second.cold; }),
          back_after(seconds, lost_at, [](const Second& second) { return second.refused; })};
}

}  // namespace hearth::sim
