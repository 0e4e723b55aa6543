#include "membership/card_maker.h"

#include <array>
#include <string_view>

namespace hearth::membership {

std::string make_member_id(model::MemberRole role, base::Random& random) {
  constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<std::uint8_t, 6> bytes{};
  random.fill(bytes);
  std::string id(to_string(role));
  id += '-';
  for (const auto byte : bytes) {
    id += kAlphabet[byte & 0x1fU];
  }
  return id;
}

model::Member CardMaker::make(Load load, base::TimePoint now) {
  ++card_.beat;
  card_.worker = std::move(load.worker);
  card_.gateway = load.gateway;
  if (card_.worker) {
    busy_.add(card_.worker->memory_busy_mb, now);
    card_.worker->memory_busy_peak_mb = static_cast<std::uint32_t>(busy_.at(now));
  }
  if (card_.gateway) {
    waited_.add(card_.gateway->memory_waited_mb, now);
    card_.gateway->memory_waited_peak_mb = static_cast<std::uint32_t>(waited_.at(now));
  }
  return card_;
}

}  // namespace hearth::membership
