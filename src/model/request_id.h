// The name of one invocation: a GUID, or what another process of Hearth's has given; with a dot and a number
// behind it where another invocation has made this one. Held in place, without
// memory of its own, as each call has it several times. Pure value.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth::model {

class RequestId {
 public:
  static constexpr std::size_t kMaxBytes = 64;

  RequestId() = default;
  // At most kMaxBytes.
  template <std::convertible_to<std::string_view> Text>
  RequestId(const Text& text) {  // NOLINT(google-explicit-constructor): it is a text
    const std::string_view view = text;
    assert(view.size() <= kMaxBytes);
    size_ = static_cast<std::uint8_t>(view.copy(bytes_.data(), kMaxBytes));
  }

  operator std::string_view() const { return {bytes_.data(), size_}; }  // NOLINT(google-explicit-constructor)
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  template <std::convertible_to<std::string_view> Text>
  friend bool operator==(const RequestId& a, const Text& b) {
    return std::string_view(a) == std::string_view(b);
  }

 private:
  std::uint8_t size_ = 0;
  std::array<char, kMaxBytes> bytes_;  // the first size_ of them
};

// How many calls led to the one of this name, each made by the one before: the number behind its dot, 0 where
// there is none. Nothing: it is no such name.
std::optional<std::uint32_t> depth_of(std::string_view request_id);
// `id` has no dot.
RequestId with_depth(std::string_view id, std::uint32_t depth);

}  // namespace hearth::model
