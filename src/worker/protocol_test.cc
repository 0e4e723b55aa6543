#include "worker/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace hearth::worker::protocol {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

constexpr std::uint64_t kResponseBytes = 1'000;

std::string header(std::uint32_t length, std::uint8_t type,
                   std::string_view reserved = std::string_view("\0\0\0", 3)) {
  std::string bytes(kHeaderBytes, '\0');
  for (int i = 0; i < 4; ++i) {
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(length >> (8 * i));
  }
  bytes[4] = static_cast<char>(type);
  bytes.replace(5, 3, reserved);
  return bytes;
}

ErrorCode error_of(std::string_view bytes) {
  FrameReader reader(kResponseBytes);
  const auto frame = reader.read(bytes);
  EXPECT_FALSE(frame.ok());
  return frame.ok() ? ErrorCode::kInternal : frame.error().code;
}

std::vector<Frame> read_all(FrameReader& reader, std::string_view bytes) {
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    auto frame = reader.read(bytes);
    EXPECT_TRUE(frame.ok()) << frame.error().message;
    if (!frame.ok()) {
      break;
    }
    if (*frame) {
      frames.push_back(std::move(**frame));
    }
  }
  return frames;
}

TEST(FrameReader, ReadsFramesSplitAtEveryByte) {
  const std::vector<Frame> frames = {
      {FrameType::kReady, 0, R"({"protocol":2})"},
      {FrameType::kLoaded, 0, ""},
      {FrameType::kResult, 0x0123456789abcdefU, std::string("\1\0\0\0true", 8)},
      {FrameType::kError, 2, "anything"}};
  std::string bytes;
  for (const auto& frame : frames) {
    bytes += encode_frame(frame.type, frame.invocation, frame.payload);
  }
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); second += 7) {
      FrameReader reader(kResponseBytes);
      auto read = read_all(reader, bytes.substr(0, first));
      for (auto& frame : read_all(reader, bytes.substr(first, second - first))) {
        read.push_back(std::move(frame));
      }
      for (auto& frame : read_all(reader, bytes.substr(second))) {
        read.push_back(std::move(frame));
      }
      ASSERT_EQ(read, frames) << first << ", " << second;
      ASSERT_FALSE(reader.mid_frame());
    }
  }
}

TEST(FrameReader, KnowsWhenItIsWithinAFrame) {
  FrameReader reader(kResponseBytes);
  EXPECT_FALSE(reader.mid_frame());
  read_all(reader, "\4");
  EXPECT_TRUE(reader.mid_frame());
}

TEST(FrameReader, NoBytesAreNoFrame) {
  FrameReader reader(kResponseBytes);
  std::string_view none;
  EXPECT_EQ(reader.read(none).value(), std::nullopt);
}

TEST(FrameReader, RefusesATypeThatNoShimSends) {
  for (int type = 0; type < 256; ++type) {
    if (type < 129 || type > 134) {
      EXPECT_EQ(error_of(header(0, static_cast<std::uint8_t>(type))), ErrorCode::kCorrupt) << type;
    }
  }
}

TEST(FrameReader, RefusesReservedBits) {
  for (const char* reserved : {"\1\0\0", "\0\1\0", "\0\0\x80"}) {
    EXPECT_EQ(error_of(header(0, 130, std::string_view(reserved, 3))), ErrorCode::kCorrupt);
  }
}

TEST(FrameReader, RefusesLengthsOverTheirBounds) {
  EXPECT_EQ(error_of(header(kMaxReadyBytes + 1, 129)), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of(header(1, 130)), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of(header(kMaxErrorBytes + 1, 131)), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of(header(kMaxErrorBytes + 1, 133)), ErrorCode::kCorrupt);
  EXPECT_EQ(error_of(header(kResponseBytes + 5, 132)), ErrorCode::kTooLarge);
  EXPECT_EQ(error_of(header(0xffffffffU, 132)), ErrorCode::kTooLarge);
}

TEST(FrameReader, TakesAResultAtItsBound) {
  FrameReader reader(kResponseBytes);
  const auto frames =
      read_all(reader, encode_frame(FrameType::kResult, 1, std::string(kResponseBytes + 4, 'x')));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].payload.size(), kResponseBytes + 4);
}

TEST(FrameReader, TakesWhatWasCompiledWhenItIsExpectedOnce) {
  const auto compiled = encode_frame(FrameType::kCompiled, 0, "bytes");
  FrameReader reader(kResponseBytes);
  reader.expect_compiled(5);
  EXPECT_EQ(read_all(reader, compiled), (std::vector<Frame>{{FrameType::kCompiled, 0, "bytes"}}));
  std::string_view again = compiled;
  EXPECT_EQ(reader.read(again).error().code, ErrorCode::kCorrupt);
  FrameReader smaller(kResponseBytes);
  smaller.expect_compiled(4);
  std::string_view larger = compiled;
  EXPECT_EQ(smaller.read(larger).error().code, ErrorCode::kCorrupt);
}

TEST(FrameReader, RepeatsItsError) {
  FrameReader reader(kResponseBytes);
  const std::string garbage = "GET / HTTP/1.1\r\n\r\n";
  std::string_view bytes = garbage;
  EXPECT_FALSE(reader.read(bytes).ok());
  const std::string good = encode_frame(FrameType::kLoaded, 0, "");
  bytes = good;
  EXPECT_FALSE(reader.read(bytes).ok());
}

TEST(Encode, InitIsOneFrameOfJson) {
  Init init;
  init.function_name = "a \"name\"";
  init.environment = {{"A", "line\nbreak"}};
  const std::string bytes = encode_init(init).value();
  EXPECT_EQ(bytes.substr(4, 12), std::string("\1\0\0\0\0\0\0\0\0\0\0\0", 12));
  EXPECT_EQ(static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) +
                256U * static_cast<unsigned char>(bytes[1]),
            bytes.size() - kHeaderBytes);
  EXPECT_EQ(static_cast<std::size_t>(static_cast<unsigned char>(bytes[kHeaderBytes])) +
                256U * static_cast<unsigned char>(bytes[kHeaderBytes + 1]),
            bytes.size() - kHeaderBytes - 4)
      << "the JSON text";
  EXPECT_THAT(bytes, HasSubstr(R"("functionName":"a \"name\"")"));
  EXPECT_THAT(bytes, HasSubstr(R"("environment":{"A":"line\nbreak"})"));
}

TEST(Encode, InitLeavesRoomForWhatWasCompiled) {
  const std::string plain = encode_init(Init()).value();
  const std::string bytes = encode_init(Init(), 70'000).value();
  EXPECT_EQ(bytes.size(), plain.size());
  EXPECT_EQ(bytes.substr(kHeaderBytes), plain.substr(kHeaderBytes)) << "the text as it was";
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  EXPECT_EQ(length, bytes.size() - kHeaderBytes + 70'000);
}

TEST(Encode, AnInitOverItsBoundIsRefused) {
  Init init;
  init.environment = {{"A", std::string(kMaxInitBytes, 'x')}};
  EXPECT_EQ(encode_init(init).error().code, ErrorCode::kTooLarge);
}

TEST(Encode, InvokeHeadLeavesRoomForItsBody) {
  const auto head = encode_invoke_head(0x0102, 0x11223344, "id", 3);
  EXPECT_EQ(head.view(), std::string("\x0b\0\0\0\x02\0\0\0\x02\x01\0\0\0\0\0\0\x44\x33\x22\x11\x02\0id", 24));
}

TEST(Encode, ALongRequestIdIsCut) {
  const auto head = encode_invoke_head(1, 1, std::string(1'000, 'i'), 0);
  EXPECT_EQ(head.size, kHeaderBytes + 6 + kMaxRequestIdBytes);
}

TEST(Decode, Ready) {
  EXPECT_EQ(decode_ready(R"({"protocol":2,"runtime":"node v20","more":[]})").value(),
            (Ready{2, "node v20", ""}));
  EXPECT_EQ(decode_ready(R"({"protocol":2,"runtime":"a","compiles":"b"})").value(), (Ready{2, "a", "b"}));
  for (const char* bad : {"", "[]", "{", R"({"protocol":1})", R"({"protocol":"1"})", "{}"}) {
    EXPECT_EQ(decode_ready(bad).error().code, ErrorCode::kCorrupt) << bad;
  }
}

TEST(Decode, InitError) {
  EXPECT_EQ(decode_init_error(R"({"type":"T","message":"m","stack":"s"})").value(),
            (model::FunctionError{"T", "m", "s"}));
  EXPECT_EQ(decode_init_error(R"({"type":1})").value(), model::FunctionError{});
  EXPECT_FALSE(decode_init_error("nothing").ok());
  EXPECT_FALSE(decode_init_error(std::string(1'000, '[')).ok());
}

TEST(Decode, Result) {
  const auto answer = decode_result(std::string("\x10\x27\0\0{\"a\":1}", 11)).value();
  EXPECT_EQ(answer.handler_us, 10'000U);
  EXPECT_EQ(answer.outcome.kind, model::OutcomeKind::kReturned);
  EXPECT_EQ(answer.outcome.output, R"({"a":1})");
}

TEST(Decode, AResultNeedsAByteOfJson) {
  for (std::size_t length = 0; length <= 4; ++length) {
    EXPECT_FALSE(decode_result(std::string(length, '1')).ok());
  }
}

TEST(Decode, Error) {
  const auto answer = decode_error(std::string("\5\0\0\0\2", 5) + R"({"type":"T"})").value();
  EXPECT_EQ(answer.handler_us, 5U);
  EXPECT_EQ(answer.outcome.kind, model::OutcomeKind::kBadOutput);
  EXPECT_EQ(answer.outcome.error.type, "T");
}

TEST(Decode, AnErrorOfUnknownKindOrShape) {
  EXPECT_FALSE(decode_error(std::string("\5\0\0\0\3{}", 7)).ok());
  EXPECT_FALSE(decode_error(std::string("\5\0\0\0\0null", 9)).ok());
  EXPECT_FALSE(decode_error(std::string("\5\0\0\0", 4)).ok());
  EXPECT_FALSE(decode_error("").ok());
}

}  // namespace
}  // namespace hearth::worker::protocol
