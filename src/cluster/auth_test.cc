#include "cluster/auth.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hearth::cluster {
namespace {

constexpr std::string_view kOne = "00112233445566778899aabbccddeeff";
constexpr std::string_view kOther = "ffeeddccbbaa99887766554433221100";

const Key kKey = cluster_key("a key of some length");

TEST(ClusterKey, IsMadeOfAnyText) {
  std::set<Key> keys;
  for (const std::string& text : {std::string(), std::string("a"), std::string("b"),
                                  std::string(100'000, 'x'), std::string("a\0b", 3)}) {
    keys.insert(cluster_key(text));
    EXPECT_EQ(cluster_key(text), cluster_key(text));
  }
  EXPECT_EQ(keys.size(), 5U);
}

TEST(Nonce, IsHexadecimalAndAnotherEachTime) {
  base::SeededRandom random(1);
  std::set<std::string> nonces;
  for (int i = 0; i < 100; ++i) {
    nonces.insert(make_nonce(random));
    EXPECT_TRUE(is_nonce(*nonces.begin()));
  }
  EXPECT_EQ(nonces.size(), 100U);
  EXPECT_FALSE(is_nonce(""));
  EXPECT_FALSE(is_nonce(kOne.substr(1)));
  EXPECT_FALSE(is_nonce(std::string(kOne) + "0"));
  EXPECT_FALSE(is_nonce("00112233445566778899AABBCCDDEEFF")) << "as it is written, and no other way";
  EXPECT_FALSE(is_nonce("00112233445566778899aabbccddee\r\n"));
}

TEST(Proof, DependsOnTheKeyAndBothNonces) {
  const std::string proof = worker_proof(kKey, {kOne, kOther});
  EXPECT_EQ(proof, worker_proof(kKey, {kOne, kOther}));
  EXPECT_EQ(proof.size(), 32U);
  EXPECT_NE(proof, worker_proof(cluster_key("another"), {kOne, kOther}));
  EXPECT_NE(proof, worker_proof(kKey, {kOther, kOne}));
  EXPECT_NE(proof, worker_proof(kKey, {kOne, kOne}));
  EXPECT_NE(proof, worker_proof(kKey, {kOther, kOther}));
}

TEST(Proof, IsOfTheChannelToo) {
  const std::string plain = worker_proof(kKey, {kOne, kOther});
  EXPECT_EQ(worker_proof(kKey, {kOne, kOther, ""}), plain);
  EXPECT_NE(worker_proof(kKey, {kOne, kOther, "a"}), plain);
  EXPECT_NE(worker_proof(kKey, {kOne, kOther, "a"}), worker_proof(kKey, {kOne, kOther, "b"}));
  EXPECT_NE(worker_proof(kKey, {kOne, "a", "b"}), worker_proof(kKey, {kOne, "ab"}));
}

TEST(EndsProof, IsOfTheSessionAndOfTheEnds) {
  const Key session = session_key(kKey, {kOne, kOther});
  const std::string proof = ends_proof(session, "10.0.0.1:1 10.0.0.2:2");
  EXPECT_EQ(proof.size(), 32U);
  EXPECT_EQ(proof, ends_proof(session, "10.0.0.1:1 10.0.0.2:2"));
  EXPECT_NE(proof, ends_proof(session, "10.0.0.1:1 10.0.0.3:2"));
  EXPECT_NE(proof, ends_proof(session_key(kKey, {kOther, kOne}), "10.0.0.1:1 10.0.0.2:2"));
  EXPECT_NE(proof, body_digest(session, {"10.0.0.1:1 10.0.0.2:2"}));
}

// What processes of the previous release say is taken, without TLS.
TEST(Proof, AndSessionKeyOfNoChannelStayAsTheyAre) {
  EXPECT_EQ(worker_proof(kKey, {kOne, kOther}), "028c66f6188407aa6f5554ab43a35120");
  Seal seal(session_key(kKey, {kOne, kOther}), Direction::kRequest);
  EXPECT_EQ(seal.next({"POST", "/drain", ""}), "0e0fb3840a70e585929b6f4f00487a6c");
}

TEST(SessionKey, DependsOnTheKeyBothNoncesAndTheChannel) {
  const std::set<Key> keys = {
      session_key(kKey, {kOne, kOther}),      session_key(kKey, {kOther, kOne}),
      session_key(kKey, {kOne, kOne}),        session_key(cluster_key("x"), {kOne, kOther}),
      session_key(kKey, {kOne, kOther, "a"}), session_key(kKey, {kOne, kOther, "b"})};
  EXPECT_EQ(keys.size(), 6U);
  EXPECT_EQ(session_key(kKey, {kOne, kOther}), *keys.find(session_key(kKey, {kOne, kOther})));
}

TEST(BodyDigest, IsOfTheBytesHoweverTheyAreCut) {
  const Key session = session_key(kKey, {kOne, kOther});
  EXPECT_EQ(body_digest(session, {"abc", "def"}), body_digest(session, {"abcdef"}));
  EXPECT_EQ(body_digest(session, {"abcdef", ""}), body_digest(session, {"", "ab", "cdef"}));
  EXPECT_NE(body_digest(session, {"abcdef"}), body_digest(session, {"abcdeg"}));
  EXPECT_NE(body_digest(session, {std::string_view("\0", 1)}), body_digest(session, {"0"}));
  EXPECT_NE(body_digest(session, {std::string_view("\0", 1)}),
            body_digest(session, {std::string_view("\0\0", 2)}));
  EXPECT_NE(body_digest(session, {"abcdef"}), body_digest(session_key(kKey, {kOther, kOne}), {"abcdef"}));
  EXPECT_EQ(body_digest(session, {}), "");
  EXPECT_EQ(body_digest(session, {"", ""}), "");
}

class SealTest : public testing::Test {
 protected:
  const Key session_ = session_key(kKey, {kOne, kOther});
  Seal sender_{session_, Direction::kRequest};
  Seal receiver_{session_, Direction::kRequest};
};

TEST_F(SealTest, MessagesInTheirOrderAreTaken) {
  for (int i = 0; i < 300; ++i) {
    const std::string number = std::to_string(i);
    const std::string mac = sender_.next({"POST", number, ""});
    EXPECT_TRUE(is_nonce(mac)) << "32 hexadecimal digits";
    EXPECT_TRUE(receiver_.is_next(mac, {"POST", number, ""}));
  }
}

TEST_F(SealTest, TheSameMessageHasAnotherMacEachTime) {
  EXPECT_NE(sender_.next({"POST", "/drain", ""}), sender_.next({"POST", "/drain", ""}));
}

TEST_F(SealTest, AMessageAgainIsNotTheNext) {
  const std::string mac = sender_.next({"POST", "/drain", ""});
  EXPECT_TRUE(receiver_.is_next(mac, {"POST", "/drain", ""}));
  EXPECT_FALSE(receiver_.is_next(mac, {"POST", "/drain", ""}));
}

TEST_F(SealTest, AMessageThatIsLeftOutIsNoticed) {
  sender_.next({"1"});
  EXPECT_FALSE(receiver_.is_next(sender_.next({"2"}), {"2"}));
}

TEST_F(SealTest, MessagesThatChangePlacesAreNoticed) {
  const std::string first = sender_.next({"1"});
  const std::string second = sender_.next({"2"});
  EXPECT_FALSE(receiver_.is_next(second, {"2"}));
  EXPECT_FALSE(receiver_.is_next(first, {"1"})) << "nor is anything taken afterwards";
}

TEST_F(SealTest, ARequestIsNoAnswer) {
  Seal answers(session_, Direction::kAnswer);
  EXPECT_FALSE(answers.is_next(sender_.next({"1"}), {"1"}));
}

TEST_F(SealTest, AnotherSessionsMacIsWorthNothing) {
  Seal elsewhere(session_key(kKey, {kOther, kOne}), Direction::kRequest);
  EXPECT_FALSE(receiver_.is_next(elsewhere.next({"1"}), {"1"}));
}

TEST_F(SealTest, EachPartCounts) {
  const std::initializer_list<std::string_view> parts = {"POST", "/execute/a", "digest"};
  for (const std::initializer_list<std::string_view> changed :
       {std::initializer_list<std::string_view>{"PUT", "/execute/a", "digest"},
        {"POST", "/execute/b", "digest"},
        {"POST", "/execute/a", "digesT"},
        {"POST", "/execute/a", ""},
        {"POST", "/execute/a"},
        {"POST", "/execute/a", "digest", ""},
        {"/execute/a", "POST", "digest"},
        {}}) {
    Seal one(session_, Direction::kRequest);
    Seal other(session_, Direction::kRequest);
    EXPECT_FALSE(other.is_next(one.next(parts), changed));
  }
}

TEST_F(SealTest, WhereAPartEndsCounts) {
  EXPECT_FALSE(receiver_.is_next(sender_.next({"ab", "c"}), {"a", "bc"}));
  Seal sender(session_, Direction::kRequest);
  Seal receiver(session_, Direction::kRequest);
  EXPECT_FALSE(receiver.is_next(sender.next({"abc", ""}), {"", "abc"}));
}

TEST_F(SealTest, WhatIsNoMacIsNotTaken) {
  for (const std::string_view mac : {"", "0", "00000000000000000000000000000000"}) {
    Seal receiver(session_, Direction::kRequest);
    EXPECT_FALSE(receiver.is_next(mac, {"1"}));
  }
  EXPECT_FALSE(receiver_.is_next(sender_.next({"1"}) + "0", {"1"}));
}

TEST(SameMac, ComparesTheWhole) {
  EXPECT_TRUE(same_mac(kOne, std::string(kOne)));
  EXPECT_FALSE(same_mac(kOne, kOther));
  EXPECT_FALSE(same_mac(kOne, kOne.substr(0, 31)));
  EXPECT_FALSE(same_mac(kOne, "10112233445566778899aabbccddeeff"));
  EXPECT_FALSE(same_mac(kOne, "00112233445566778899aabbccddeefe"));
}

}  // namespace
}  // namespace hearth::cluster
