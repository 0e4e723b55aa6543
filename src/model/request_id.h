// The name of one invocation: a GUID, or what another process of Hearth's has given. Held in place, without
// memory of its own, as each call has it several times. Pure value.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
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

}  // namespace hearth::model
