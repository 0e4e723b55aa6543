#include "messaging/redis/member_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <concepts>
#include <type_traits>
#include <utility>

#include "base/words.h"

namespace hearth::messaging {
namespace {

using base::number_of;
using base::take_word;

using model::GatewayLoad;
using model::Member;
using model::WorkerLoad;

// A card that names one of these has the load, be it all zeros.
constexpr std::string_view kWorker = "worker.";
constexpr std::string_view kGateway = "gateway.";
constexpr std::string_view kInstances = "worker.instances.";

template <typename Load>
using Field = std::pair<std::string_view, std::uint32_t Load::*>;

constexpr std::array<Field<WorkerLoad>, 6> kWorkerFields = {{{"total-mb", &WorkerLoad::memory_total_mb},
                                                             {"free-mb", &WorkerLoad::memory_free_mb},
                                                             {"busy-mb", &WorkerLoad::memory_busy_mb},
                                                             {"peak-mb", &WorkerLoad::memory_busy_peak_mb},
                                                             {"cold", &WorkerLoad::cold_allocations},
                                                             {"versions", &WorkerLoad::versions}}};
constexpr std::array<Field<GatewayLoad>, 4> kGatewayFields = {
    {{"waiting", &GatewayLoad::calls_waiting},
     {"running", &GatewayLoad::calls_running},
     {"waited-mb", &GatewayLoad::memory_waited_mb},
     {"peak-mb", &GatewayLoad::memory_waited_peak_mb}}};

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isgraph(c) != 0; });
}

void add(std::string& text, std::string_view key, std::string_view value) {
  text.append(text.empty() ? "" : " ").append(key).append("=").append(value);
}

template <typename Load, std::size_t kCount>
void add_load(std::string& text, std::string_view prefix, const Load& load,
              const std::array<Field<Load>, kCount>& fields) {
  for (const auto& [name, member] : fields) {
    add(text, std::string(prefix).append(name), std::to_string(load.*member));
  }
}

template <std::integral Number>
bool read_number(std::string_view text, Number& into) {
  const auto number = number_of<std::make_unsigned_t<Number>>(text);
  if (number && std::in_range<Number>(*number)) {
    into = static_cast<Number>(*number);
    return true;
  }
  return false;
}

// True also for a name that is none of the fields'.
template <typename Load, std::size_t kCount>
bool read_load(std::string_view name, std::string_view value, Load& load,
               const std::array<Field<Load>, kCount>& fields) {
  const auto* const field =
      std::ranges::find(fields, name, [](const Field<Load>& each) { return each.first; });
  return field == fields.end() || read_number(value, load.*(field->second));
}

template <typename Load>
Load& ensure(std::optional<Load>& load) {
  return load ? *load : load.emplace();
}

bool read_word(std::string_view key, std::string_view value, Member& card) {
  if (key == "id") {
    card.id = value;
  } else if (key == "role") {
    card.role = model::member_role(value);
  } else if (key == "state") {
    card.state = model::member_state(value);
  } else if (key == "uri") {
    card.uri = value;
  } else if (key == "release") {
    card.release = value;
  } else if (key == "started-ms") {
    return read_number(value, card.started_ms);
  } else if (key == "beat") {
    return read_number(value, card.beat);
  } else if (key.starts_with(kInstances)) {
    return read_number(value, ensure(card.worker).instances[std::string(key.substr(kInstances.size()))]);
  } else if (key.starts_with(kWorker)) {
    return read_load(key.substr(kWorker.size()), value, ensure(card.worker), kWorkerFields);
  } else if (key.starts_with(kGateway)) {
    return read_load(key.substr(kGateway.size()), value, ensure(card.gateway), kGatewayFields);
  }
  return true;
}

}  // namespace

std::optional<std::string> to_text(const Member& card) {
  std::string text;
  add(text, "id", card.id);
  add(text, "role", to_string(card.role));
  add(text, "state", to_string(card.state));
  add(text, "started-ms", std::to_string(card.started_ms));
  add(text, "beat", std::to_string(card.beat));
  bool words = is_word(card.id);
  for (const auto& [key, value] : {std::pair("uri", card.uri), std::pair("release", card.release)}) {
    if (!value.empty()) {
      words = words && is_word(value);
      add(text, key, value);
    }
  }
  if (card.worker) {
    add_load(text, kWorker, *card.worker, kWorkerFields);
    for (const auto& [state, count] : card.worker->instances) {
      words = words && is_word(state) && state.find('=') == std::string::npos;
      add(text, std::string(kInstances) + state, std::to_string(count));
    }
  }
  if (card.gateway) {
    add_load(text, kGateway, *card.gateway, kGatewayFields);
  }
  return words && text.size() <= kMemberTextBytes ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<Member> member_of(std::string_view text) {
  if (text.size() > kMemberTextBytes) {
    return std::nullopt;
  }
  Member card;
  while (!text.empty()) {
    std::string_view value = take_word(text);
    if (value.find('=') == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view key = take_word(value, '=');
    if (!read_word(key, value, card)) {
      return std::nullopt;
    }
  }
  return is_word(card.id) ? std::optional(std::move(card)) : std::nullopt;
}

}  // namespace hearth::messaging
