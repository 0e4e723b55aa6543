#include "launcher/packet.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>
#include <utility>
#include <vector>

#include "launcher/codec.h"

namespace hearth::launcher {
namespace {

using base::UniqueFd;
using Outcome = PacketReceiver::Outcome;

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    near.reset(ends[0]);
    far.reset(ends[1]);
  }
  UniqueFd near;
  UniqueFd far;
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Packet, CarriesBytesAndDescriptorsInOrder) {
  Pair pair;
  const std::array<int, 2> pipe_ends = [] {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    return ends;
  }();
  const UniqueFd reading(pipe_ends[0]);
  const UniqueFd writing(pipe_ends[1]);
  ASSERT_EQ(send_packet(pair.near.get(), "hello", pipe_ends, 0), 0);
  PacketReceiver receiver;
  ASSERT_EQ(receiver.receive(pair.far.get(), 0).value(), Outcome::kPacket);
  EXPECT_EQ(receiver.bytes(), "hello");
  ASSERT_EQ(receiver.descriptors().size(), 2U);
  const int passed = receiver.descriptors()[1].get();
  EXPECT_EQ(::fcntl(passed, F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(passed, "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(reading.get(), &byte, 1), 1);
  // Left where they are, they are closed by the next packet.
  ASSERT_EQ(send_packet(pair.near.get(), "next", {}, 0), 0);
  ASSERT_EQ(receiver.receive(pair.far.get(), 0).value(), Outcome::kPacket);
  EXPECT_TRUE(receiver.descriptors().empty());
  EXPECT_FALSE(is_open(passed));
}

TEST(Packet, TheLargestMessageFitsAndOneMoreByteIsRefused) {
  Pair pair;
  PacketReceiver receiver;
  const std::string largest(kMaxMessageBytes, 'x');
  ASSERT_EQ(send_packet(pair.near.get(), largest, {}, 0), 0);
  ASSERT_EQ(receiver.receive(pair.far.get(), 0).value(), Outcome::kPacket);
  EXPECT_EQ(receiver.bytes(), largest);
  ASSERT_EQ(send_packet(pair.near.get(), largest + 'x', {}, 0), 0);
  const auto refused = receiver.receive(pair.far.get(), 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kTooLarge);
}

// Sends more descriptors than send_packet() would.
void send_descriptors(int socket, std::size_t count) {
  const std::vector<int> numbers(count, socket);
  const std::size_t size = count * sizeof(int);
  std::vector<char> control(CMSG_SPACE(size));
  char byte = 'x';
  iovec data{.iov_base = &byte, .iov_len = 1};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(size);
  std::copy_n(reinterpret_cast<const char*>(numbers.data()), size,
              reinterpret_cast<char*>(CMSG_DATA(rights)));
  ASSERT_EQ(::sendmsg(socket, &header, 0), 1);
}

TEST(Packet, TooManyDescriptorsAreRefusedAndNoneLeaks) {
  Pair pair;
  const int lowest_free = UniqueFd(::dup(pair.near.get())).get();
  {
    PacketReceiver receiver;
    for (const std::size_t count : {6U, 7U, 200U}) {
      send_descriptors(pair.near.get(), count);
      EXPECT_FALSE(receiver.receive(pair.far.get(), 0).ok()) << count;
    }
  }
  EXPECT_EQ(UniqueFd(::dup(pair.near.get())).get(), lowest_free);
}

TEST(Packet, SaysWhenDescriptorNumbersHaveRunOut) {
  Pair pair;
  PacketReceiver receiver;
  send_descriptors(pair.near.get(), 4);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(UniqueFd(::dup(pair.near.get())).get()) + 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto outcome = receiver.receive(pair.far.get(), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(receiver.descriptors_lost());
  EXPECT_EQ(receiver.descriptors().size(), 2U);
}

TEST(Packet, TellsNothingFromTheEnd) {
  Pair pair;
  PacketReceiver receiver;
  EXPECT_EQ(receiver.receive(pair.far.get(), MSG_DONTWAIT).value(), Outcome::kNothing);
  pair.near.reset();
  EXPECT_EQ(receiver.receive(pair.far.get(), 0).value(), Outcome::kEnd);
  EXPECT_EQ(send_packet(pair.far.get(), "x", {}, 0), EPIPE);
}

TEST(Packet, APeerThatClosedWithoutReadingHasEndedToo) {
  Pair pair;
  PacketReceiver receiver;
  ASSERT_EQ(send_packet(pair.far.get(), "unread", {}, 0), 0);
  pair.near.reset();
  EXPECT_EQ(receiver.receive(pair.far.get(), 0).value(), Outcome::kEnd);
}

}  // namespace
}  // namespace hearth::launcher
