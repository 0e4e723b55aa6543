#include "launcher/codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace hearth::launcher {
namespace {

using base::ErrorCode;

sandbox::Spec full_spec() {
  sandbox::Spec spec;
  spec.name = "i0123456789abcd";
  spec.program = "/usr/bin/node";
  spec.arguments = {"--flag", "", "a b"};
  spec.environment = {"PATH=/usr/bin", "EMPTY="};
  spec.limits = {.memory_bytes = 1ULL << 40U,
                 .cpu_weight = 2,
                 .cpu_millicores = 3,
                 .processes = 4,
                 .open_files = 5,
                 .tmp_bytes = 1ULL << 33U,
                 .tmp_files = 7};
  return spec;
}

std::vector<Request> requests() {
  return {StartRequest{full_spec(), 0b1010}, SetLimitsRequest{"one", full_spec().limits},
          AssignRequest{"three", full_spec().limits}, RemoveRequest{"two"}};
}

std::vector<Notice> notices() {
  const base::Error error{ErrorCode::kInternal, "it broke"};
  return {Ready{77},
          Unready{error},
          Started{"a"},
          Started{"g", kMemoryPresent},
          NotStarted{"b", error},
          Assigned{"e"},
          NotAssigned{"f", error},
          LimitsRefused{"c", error},
          Exited{{"d", sandbox::ExitReason::kRemoved, -9, 1ULL << 35U}}};
}

TEST(Codec, RequestsRoundTrip) {
  for (const Request& request : requests()) {
    const auto bytes = encode(request);
    ASSERT_TRUE(bytes.ok());
    const auto decoded = decode_request(*bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, request);
  }
}

TEST(Codec, NoticesRoundTrip) {
  for (const Notice& notice : notices()) {
    const auto bytes = encode(notice);
    ASSERT_TRUE(bytes.ok());
    const auto decoded = decode_notice(*bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(*decoded, notice);
  }
}

template <typename Decode>
void expect_only_whole(const std::string& bytes, Decode decode) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(decoded.ok()) << size << " of " << bytes.size() << " bytes";
    ASSERT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(decode(bytes + '\0').ok()) << "one byte too many";
}

TEST(Codec, RefusesEveryTruncationAndAnyTail) {
  for (const Request& request : requests()) {
    expect_only_whole(*encode(request), [](std::string_view bytes) { return decode_request(bytes); });
  }
  for (const Notice& notice : notices()) {
    expect_only_whole(*encode(notice), [](std::string_view bytes) { return decode_notice(bytes); });
  }
}

TEST(Codec, RefusesTheOtherDirectionsMessages) {
  EXPECT_FALSE(decode_request(*encode(Notice(Started{"a"}))).ok());
  EXPECT_FALSE(decode_notice(*encode(Request(RemoveRequest{"a"}))).ok());
}

TEST(Codec, SurvivesGarbage) {
  std::mt19937 random(20'240'117);
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes) {
      byte = static_cast<char>(random());
    }
    if (!bytes.empty()) {
      bytes[0] = static_cast<char>(random() % 24);  // a likely kind
    }
    (void)decode_request(bytes);
    (void)decode_notice(bytes);
  }
}

// Whatever decodes from damaged bytes is a message within the bounds: it encodes again, to the same bytes.
TEST(Codec, DamagedMessagesAreRefusedOrWithinBounds) {
  std::mt19937 random(7);
  int decoded_count = 0;
  for (const Request& request : requests()) {
    const std::string whole = *encode(request);
    for (int round = 0; round < 2'000; ++round) {
      std::string bytes = whole;
      bytes[random() % bytes.size()] = static_cast<char>(random());
      const auto decoded = decode_request(bytes);
      if (decoded.ok()) {
        ++decoded_count;
        ASSERT_EQ(*encode(*decoded), bytes);
      }
    }
  }
  EXPECT_GT(decoded_count, 0);
}

TEST(Codec, RefusesToEncodeWhatIsOverABound) {
  const auto encoded = [](auto change) {
    StartRequest start{full_spec(), 0};
    change(start.spec);
    return encode(Request(start));
  };
  const auto over = [&](auto change) {
    const auto bytes = encoded(change);
    return !bytes.ok() && bytes.error().code == ErrorCode::kTooLarge;
  };
  EXPECT_TRUE(over([](auto& spec) { spec.name.assign(kMaxNameBytes + 1, 'a'); }));
  EXPECT_TRUE(over([](auto& spec) { spec.program.assign(kMaxProgramBytes + 1, 'a'); }));
  EXPECT_TRUE(over([](auto& spec) { spec.arguments.assign(kMaxArguments + 1, "a"); }));
  EXPECT_TRUE(over([](auto& spec) { spec.arguments[0].assign(kMaxArgumentBytes + 1, 'a'); }));
  EXPECT_TRUE(over([](auto& spec) { spec.environment.assign(kMaxVariables + 1, "A="); }));
  EXPECT_TRUE(over([](auto& spec) { spec.environment[0].assign(kMaxVariableBytes + 1, 'a'); }));
  EXPECT_TRUE(over([](auto& spec) { spec.environment.assign(16, std::string(kMaxVariableBytes, 'a')); }))
      << "each within its bound, the message not";
  EXPECT_TRUE(encoded([](auto& spec) { spec.environment.assign(kMaxVariables, "A="); }).ok());
  EXPECT_TRUE(encoded([](auto& spec) { spec.name.assign(kMaxNameBytes, 'a'); }).ok());
}

// A peer does not encode with our encoder: the same bounds hold for bytes.
TEST(Codec, RefusesToDecodeWhatIsOverABound) {
  const std::string name(kMaxNameBytes + 1, 'a');
  const std::string bytes =
      std::string("\x03", 1) + static_cast<char>(name.size()) + std::string(3, '\0') + name;
  EXPECT_FALSE(decode_request(bytes).ok());
  std::string within = bytes.substr(0, bytes.size() - 1);
  within[1] = static_cast<char>(kMaxNameBytes);
  EXPECT_TRUE(decode_request(within).ok());
  const std::string huge = std::string("\x03\xff\xff\xff\xff", 5) + name;
  EXPECT_FALSE(decode_request(huge).ok());
}

TEST(Codec, CutsALongErrorMessage) {
  const Notice notice = NotStarted{"a", {ErrorCode::kIo, std::string(kMaxErrorBytes + 100, 'x')}};
  const auto decoded = decode_notice(*encode(notice));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<NotStarted>(*decoded).error.message.size(), kMaxErrorBytes);
}

TEST(Codec, RefusesUnknownEnumerators) {
  std::string exited = *encode(Notice(Exited{{"d", sandbox::ExitReason::kRemoved, 0, 0}}));
  exited[1 + 4 + 1] = 4;  // kind, length, "d"
  EXPECT_FALSE(decode_notice(exited).ok());
  std::string unready = *encode(Notice(Unready{{ErrorCode::kIo, ""}}));
  unready[1] = static_cast<char>(static_cast<int>(ErrorCode::kInternal) + 1);  // the last, and one more
  EXPECT_FALSE(decode_notice(unready).ok());
}

}  // namespace
}  // namespace hearth::launcher
