#include "messaging/redis/allocation_text.h"

#include <algorithm>
#include <cctype>

#include "base/words.h"

namespace hearth::messaging {
namespace {

using base::number_of;
using base::take_word;

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isgraph(c) != 0; });
}

}  // namespace

std::string entry_prefix(std::string_view instance) { return std::string(instance) + ' '; }

std::string entry_prefix(const model::Allocation& allocation) {
  return entry_prefix(allocation.instance) + std::to_string(allocation.slot) + ' ';
}

std::optional<std::string> to_text(const model::Allocation& allocation) {
  if (!is_word(allocation.instance) || !is_word(allocation.worker_uri)) {
    return std::nullopt;
  }
  return entry_prefix(allocation) + std::to_string(allocation.epoch) + ' ' +
         std::to_string(allocation.memory_mb) + ' ' + allocation.worker_uri;
}

std::optional<model::Allocation> allocation_of(std::string_view text) {
  std::string_view rest = text;
  model::Allocation allocation;
  allocation.instance = take_word(rest);
  const auto slot = number_of<std::uint32_t>(take_word(rest));
  const auto epoch = number_of<std::uint64_t>(take_word(rest));
  const auto memory_mb = number_of<std::uint32_t>(take_word(rest));
  if (!slot || !epoch || !memory_mb) {
    return std::nullopt;
  }
  allocation.slot = *slot;
  allocation.epoch = *epoch;
  allocation.memory_mb = *memory_mb;
  allocation.worker_uri = rest;
  // Written again it is the same: no leading zeros, no empty word, nothing behind.
  return to_text(allocation) == text ? std::optional(allocation) : std::nullopt;
}

}  // namespace hearth::messaging
