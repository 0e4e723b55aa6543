// Base64 (RFC 4648, section 4) decoded in pieces, so that an upload never stands in memory whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::base {

class Base64Decoder {
 public:
  // Appends the bytes that `text` completes to `out`. Line breaks and spaces are skipped, as the
  // encoders of some clients insert them. kInvalidArgument at the first other character.
  Result<void> feed(std::string_view text, std::string& out);
  // kInvalidArgument when the text ended inside a group of four.
  Result<void> finish(std::string& out);

 private:
  std::uint32_t bits_ = 0;
  unsigned held_ = 0;     // sextets in bits_
  unsigned padding_ = 0;  // '=' seen
};

std::string base64_encode(std::string_view bytes);

}  // namespace hearth::base
