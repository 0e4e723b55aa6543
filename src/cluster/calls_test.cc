#include "cluster/calls.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hearth::cluster {
namespace {

using State = PacketReader::State;

const Key kSession = cluster_key("session");

TEST(Calls, ComeBackInTheirOrder) {
  std::string body;
  add_call(body, "/execute/i/0/1/v/r/500/retired", std::string("\0\n{}", 4));
  add_call(body, "/behind/j/2/3/w/s", "");
  const auto calls = read_calls(body);
  ASSERT_TRUE(calls);
  ASSERT_EQ(calls->size(), 2U);
  const InstanceRequest first{Ask::kExecute, "i", 0, 1, "v", "r", true, std::chrono::milliseconds(500)};
  EXPECT_EQ((*calls)[0].asked, first);
  EXPECT_EQ((*calls)[0].body, std::string("\0\n{}", 4));
  EXPECT_EQ((*calls)[1].asked, (InstanceRequest{Ask::kBehind, "j", 2, 3, "w", "s", false, std::nullopt}));
  EXPECT_EQ((*calls)[1].body, "");
}

TEST(Calls, AreBounded) {
  std::string body;
  for (std::size_t i = 0; i < kCallsMost; ++i) {
    add_call(body, "/execute/i/0/1/v/r", std::string(kCallBodyBytes, 'x'));
  }
  EXPECT_LE(body.size(), kCallsBytes);
  ASSERT_TRUE(read_calls(body));
  EXPECT_EQ(read_calls(body)->size(), kCallsMost);
  add_call(body, "/execute/i/0/1/v/r", "");
  EXPECT_FALSE(read_calls(body)) << "one too many";
  std::string large;
  add_call(large, "/execute/i/0/1/v/r", std::string(kCallBodyBytes + 1, 'x'));
  EXPECT_FALSE(read_calls(large));
}

TEST(Calls, WhatIsMalformedIsRefused) {
  for (const std::string& body : std::vector<std::string>{
           "", "\n", "/execute/i/0/1/v/r", "/execute/i/0/1/v/r\n", "/execute/i/0/1/v/r x\n",
           "/execute/i/0/1/v/r -1\n", "/execute/i/0/1/v/r 3\nab", "/execute/i/0/1/v/r 1\nab",
           "/execute/i/0/1/v 0\n", "/take-back/i/0/1 0\n", "/execute/i/0/1/v/r 0 0\n"}) {
    EXPECT_FALSE(read_calls(body)) << body;
  }
}

TEST(CallAnswers, ComeBack) {
  std::string packet;
  add_answer(packet, 3, 200, "returned 1 2 - 4", {"out", "", std::string("\0\n", 2)});
  add_answer(packet, 0, 410, "gone", {});
  const auto answers = read_answers(packet);
  ASSERT_TRUE(answers);
  ASSERT_EQ(answers->size(), 2U);
  EXPECT_EQ((*answers)[0].index, 3U);
  EXPECT_EQ((*answers)[0].status, 200);
  EXPECT_EQ((*answers)[0].meta, "returned 1 2 - 4");
  EXPECT_EQ((*answers)[0].body, std::string("out\0\n", 5));
  EXPECT_EQ((*answers)[1].meta, "gone");
  EXPECT_EQ((*answers)[1].body, "");
  for (const std::string& malformed :
       std::vector<std::string>{"x", "0\n", "0 200\n", "0 200 1 m\n", "-1 200 0 m\n", "0 x 0 m\n", "\n"}) {
    EXPECT_FALSE(read_answers(malformed)) << malformed;
  }
}

class Packets : public testing::Test {
 protected:
  std::string sealed(const std::string& packet) { return packet_line(theirs_, packet) + packet; }

  Seal theirs_{kSession, Direction::kAnswer};
  Seal ours_{kSession, Direction::kAnswer};
  PacketReader reader_{100};
};

TEST_F(Packets, AreTakenOutOfAStreamInTheirOrder) {
  std::string stream = sealed("one");
  stream += sealed("");
  stream += sealed("three");
  reader_.add(stream);
  for (const std::string expected : {"one", "", "three"}) {
    ASSERT_EQ(reader_.next(ours_), State::kPacket);
    EXPECT_EQ(reader_.packet(), expected);
  }
  EXPECT_TRUE(reader_.empty());
  EXPECT_EQ(reader_.next(ours_), State::kIncomplete);
}

TEST_F(Packets, MayComeByteByByte) {
  for (const std::string packet : {"one", "two"}) {
    const std::string text = sealed(packet);
    for (std::size_t i = 0; i < text.size(); ++i) {
      EXPECT_EQ(reader_.next(ours_), State::kIncomplete);
      reader_.add(text.substr(i, 1));
      EXPECT_FALSE(reader_.empty());
    }
    ASSERT_EQ(reader_.next(ours_), State::kPacket);
    EXPECT_EQ(reader_.packet(), packet);
  }
}

TEST_F(Packets, WhatHasBeenToldIsNotKept) {
  for (int i = 0; i < 100; ++i) {
    reader_.add(sealed(std::string(50, 'x')));
    ASSERT_EQ(reader_.next(ours_), State::kPacket);
  }
  EXPECT_LT(reader_.bytes_kept(), 200U);
}

TEST_F(Packets, OneThatIsChangedLeftOutOrRepeatedIsForged) {
  std::string changed = sealed("one");
  changed.back() = 'f';
  reader_.add(changed);
  EXPECT_EQ(reader_.next(ours_), State::kForged);

  PacketReader second(100);
  Seal theirs(kSession, Direction::kAnswer);
  Seal ours(kSession, Direction::kAnswer);
  const std::string first = packet_line(theirs, "one") + "one";
  second.add(first + first);
  EXPECT_EQ(second.next(ours), State::kPacket);
  EXPECT_EQ(second.next(ours), State::kForged) << "repeated";

  PacketReader third(100);
  Seal sent(kSession, Direction::kAnswer);
  Seal expected(kSession, Direction::kAnswer);
  static_cast<void>(packet_line(sent, "left out"));
  third.add(packet_line(sent, "two") + "two");
  EXPECT_EQ(third.next(expected), State::kForged);
}

TEST_F(Packets, OfAnotherDirectionAreForged) {
  Seal requests(kSession, Direction::kRequest);
  reader_.add(packet_line(requests, "one") + "one");
  EXPECT_EQ(reader_.next(ours_), State::kForged);
}

TEST_F(Packets, AreBounded) {
  std::string stream = sealed(std::string(100, 'x'));
  stream += sealed(std::string(101, 'x'));
  reader_.add(stream);
  EXPECT_EQ(reader_.next(ours_), State::kPacket);
  EXPECT_EQ(reader_.next(ours_), State::kForged);
}

TEST_F(Packets, ALineWithoutAnEndIsForged) {
  reader_.add(std::string(64, '0'));
  EXPECT_EQ(reader_.next(ours_), State::kForged);
}

}  // namespace
}  // namespace hearth::cluster
