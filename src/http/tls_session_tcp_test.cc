// TLS over TCP, as between hosts: what the kernel holds back, and how a connection breaks.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "http/client_connection.h"
#include "http/peer_socket.h"
#include "http/raw_server_test_support.h"
#include "http/tls_test_support.h"

namespace hearth::http {
namespace {

using test::client_context;
using test::server_context;

class TlsSessionOverTcp : public testing::Test {
 protected:
  TlsSessionOverTcp() {
    const test::RawServer listening;
    SocketAddress address;
    EXPECT_TRUE(numeric_address("127.0.0.1", listening.port(), address));
    base::UniqueFd asking(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(asking.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size), 0);
    client_ = PeerSocket(std::move(asking), client_context());
    server_ = PeerSocket(listening.accept_socket(), server_context());
    server_.push_held();  // as the server sets its sockets: small pieces at once
    for (int i = 0; i < 1'000 && !(client_.secured() && server_.secured()); ++i) {
      client_.shake_hands();
      server_.shake_hands();
    }
    EXPECT_TRUE(client_.secured() && server_.secured());
  }

  static ssize_t send(PeerSocket& from, std::string text) {
    iovec part{text.data(), text.size()};
    return from.send({&part, 1});
  }
  static std::string receive(PeerSocket& at) {
    std::string bytes(64 * 1024, '\0');
    const ssize_t got = at.receive(bytes.data(), bytes.size());
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }

  PeerSocket client_;
  PeerSocket server_;
};

TEST_F(TlsSessionOverTcp, AWordThatTheKernelHoldsBackGoesWithTheAnswerOrWhenItIsPushed) {
  EXPECT_EQ(server_.send_at_once("word ", MSG_MORE), 5);
  EXPECT_EQ(receive(client_), "") << "it is held back";
  EXPECT_EQ(send(server_, "answer"), 6);
  EXPECT_EQ(receive(client_), "word answer");
  EXPECT_EQ(server_.send_at_once("alone", MSG_MORE), 5);
  EXPECT_EQ(receive(client_), "");
  server_.push_held();
  EXPECT_EQ(receive(client_), "alone");
}

// Which error it was decides whether a call may be tried elsewhere.
TEST_F(TlsSessionOverTcp, AnErrorThatIsFoundBehindBytesIsToldAfterThem) {
  // Two reads of the socket that fill their room, so that a third is made.
  constexpr std::size_t kRecordOverhead = 5 + 1 + 16;
  const std::size_t bytes = 2 * 16'384 - 2 * kRecordOverhead;
  EXPECT_EQ(send(client_, std::string(bytes, 'b')), static_cast<ssize_t>(bytes));
  const linger at_once{1, 0};
  ::setsockopt(client_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  client_.close();
  EXPECT_EQ(receive(server_).size(), bytes);
  for (int i = 0; i < 2; ++i) {
    errno = 0;
    EXPECT_EQ(receive(server_), "");
    EXPECT_EQ(errno, ECONNRESET);
  }
}

}  // namespace
}  // namespace hearth::http
