#include "messaging/redis/demand_text.h"

#include <optional>

#include "base/words.h"

namespace hearth::messaging {
namespace {

using base::number_of;
using base::take_word;

constexpr std::string_view kWanted = "wanted";
constexpr std::string_view kStill = "still";

std::optional<PublishedDemand> demand_of(std::string_view line) {
  PublishedDemand published;
  const std::string_view kind = take_word(line);
  published.is_new = kind == kWanted;
  published.asker = take_word(line);
  const auto serial = number_of<std::uint64_t>(take_word(line));
  const auto memory_mb = number_of<std::uint32_t>(take_word(line));
  const bool known = published.is_new || kind == kStill;
  if (!known || published.asker.empty() || !serial || !memory_mb || line.empty()) {
    return std::nullopt;
  }
  published.demand = {*serial, model::VersionId(line), *memory_mb};
  return published;
}

}  // namespace

std::string to_text(const PublishedDemand& published) {
  return std::string(published.is_new ? kWanted : kStill) + ' ' + published.asker + ' ' +
         std::to_string(published.demand.id) + ' ' + std::to_string(published.demand.memory_mb) + ' ' +
         published.demand.version + '\n';
}

std::vector<PublishedDemand> demands_of(std::string_view text) {
  std::vector<PublishedDemand> demands;
  while (!text.empty()) {
    if (auto demand = demand_of(take_word(text, '\n'))) {
      demands.push_back(std::move(*demand));
    }
  }
  return demands;
}

}  // namespace hearth::messaging
