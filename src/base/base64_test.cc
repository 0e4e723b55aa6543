#include "base/base64.h"

#include <gtest/gtest.h>

namespace hearth::base {
namespace {

std::string decode(std::string_view text, std::size_t piece) {
  Base64Decoder decoder;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += piece) {
    if (!decoder.feed(text.substr(i, piece), out)) {
      return "error";
    }
  }
  return decoder.finish(out) ? out : "error";
}

TEST(Base64, DecodesInPiecesOfAnySize) {
  std::string bytes;
  for (int i = 0; i < 257; ++i) {
    bytes += static_cast<char>(i * 7);
    for (const std::size_t piece : {1U, 2U, 3U, 5U, 1000U}) {
      EXPECT_EQ(decode(base64_encode(bytes), piece), bytes);
    }
  }
}

TEST(Base64, SkipsLineBreaksAndAcceptsMissingPadding) {
  EXPECT_EQ(decode("aGVs\r\nbG8=", 3), "hello");
  EXPECT_EQ(decode("aGVsbG8", 3), "hello");
}

TEST(Base64, RefusesWhatIsNotBase64) {
  EXPECT_EQ(decode("aGV!", 1), "error");
  EXPECT_EQ(decode("aGVsb", 1), "error");
  EXPECT_EQ(decode("a=Vs", 1), "error");
  EXPECT_EQ(decode("aGVsbG8===", 1), "error");
}

}  // namespace
}  // namespace hearth::base
