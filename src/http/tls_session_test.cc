// TLS over sockets that the test holds the other ends of: what one side sends goes to the other as the test
// passes it on.
#include "http/tls_session.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "http/peer_socket.h"
#include "http/tls_test_support.h"

namespace hearth::http {
namespace {

using Handshake = TlsSession::Handshake;
using test::client_context;
using test::server_context;

constexpr std::size_t kAnyBytes = 1'000'000;

// One side, and the end of its socket that leads to the other.
class Side {
 public:
  explicit Side(const TlsContextPtr& context) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    socket = PeerSocket(base::UniqueFd(ends[0]), context);
    outside.reset(ends[1]);
  }

  // What it has sent and nobody has taken from the wire yet.
  std::string sent(std::size_t most = kAnyBytes) const {
    std::string bytes(most, '\0');
    const ssize_t got = ::recv(outside.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  // As if the other side had sent it.
  void give(const std::string& bytes) const {
    EXPECT_EQ(::send(outside.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void give_end() const { ::shutdown(outside.get(), SHUT_WR); }

  ssize_t send(const std::string& text) {
    iovec part{const_cast<char*>(text.data()), text.size()};
    return socket.send({&part, 1});
  }
  // One read: what it gave.
  std::string receive(std::size_t room = 64 * 1024) {
    std::string bytes(room, '\0');
    last = socket.receive(bytes.data(), room);
    error = last < 0 ? errno : 0;
    bytes.resize(last < 0 ? 0 : static_cast<std::size_t>(last));
    return bytes;
  }

  PeerSocket socket;
  base::UniqueFd outside;
  ssize_t last = 0;
  int error = 0;
};

void pass_on(const Side& from, const Side& to, std::size_t most = kAnyBytes) { to.give(from.sent(most)); }

class TlsSessionTest : public testing::Test {
 protected:
  // Until both are secured, so many bytes at a time.
  static void shake_hands(Side& client, Side& server, std::size_t bytes = kAnyBytes) {
    for (int i = 0; i < 10'000 && !(client.socket.secured() && server.socket.secured()); ++i) {
      ASSERT_NE(client.socket.shake_hands(), Handshake::kFailed) << client.socket.fault();
      pass_on(client, server, bytes);
      ASSERT_NE(server.socket.shake_hands(), Handshake::kFailed) << server.socket.fault();
      pass_on(server, client, bytes);
    }
    ASSERT_TRUE(client.socket.secured() && server.socket.secured());
  }
  void secure() { shake_hands(client_, server_); }
  // A text on its way to the server, as bytes on the wire.
  std::string encrypted(const std::string& text) {
    EXPECT_EQ(client_.send(text), static_cast<ssize_t>(text.size()));
    return client_.sent();
  }
  void expect_end(Side& side) {
    EXPECT_EQ(side.receive(), "");
    EXPECT_EQ(side.last, 0);
  }
  void expect_error(Side& side, int error) {
    EXPECT_EQ(side.receive(), "");
    EXPECT_EQ(side.last, -1);
    EXPECT_EQ(side.error, error);
  }

  Side client_{client_context()};
  Side server_{server_context()};
};

TEST_F(TlsSessionTest, WhatIsSentComesAndCannotBeReadBetween) {
  secure();
  const std::string wire = encrypted("a secret of some length");
  EXPECT_EQ(wire.find("secret"), std::string::npos);
  server_.give(wire);
  EXPECT_EQ(server_.receive(), "a secret of some length");
  expect_error(server_, EAGAIN);
  EXPECT_EQ(server_.send("and back"), 8);
  pass_on(server_, client_);
  EXPECT_EQ(client_.receive(), "and back");
}

TEST_F(TlsSessionTest, AHandshakeMayComeByteByByte) {
  shake_hands(client_, server_, 1);
  server_.give(encrypted("x"));
  EXPECT_EQ(server_.receive(), "x");
}

TEST_F(TlsSessionTest, BeforeTheHandshakeNothingIsReceivedOrTaken) {
  EXPECT_EQ(client_.socket.shake_hands(), Handshake::kPending);
  EXPECT_EQ(client_.send("early"), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(client_.socket.send_at_once("early", 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  expect_error(client_, EAGAIN);
}

TEST_F(TlsSessionTest, WhatComesWithTheEndOfTheHandshakeIsReceived) {
  ASSERT_EQ(client_.socket.shake_hands(), Handshake::kPending);
  pass_on(client_, server_);
  ASSERT_EQ(server_.socket.shake_hands(), Handshake::kPending);
  pass_on(server_, client_);
  ASSERT_EQ(client_.socket.shake_hands(), Handshake::kDone);
  EXPECT_EQ(client_.send("at once"), 7);
  pass_on(client_, server_);  // Finished and the text together
  ASSERT_EQ(server_.socket.shake_hands(), Handshake::kDone);
  EXPECT_EQ(server_.receive(), "at once");
}

TEST_F(TlsSessionTest, TheServerSendsNoTicketsAndNothingElseUnasked) {
  secure();
  char byte = 0;
  EXPECT_EQ(::recv(client_.socket.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
  EXPECT_EQ(server_.sent(), "");
  EXPECT_EQ(client_.sent(), "");
}

TEST_F(TlsSessionTest, TheChannelBindingIsTheSameAtBothEndsAndOfNoOtherConnection) {
  secure();
  const std::string_view binding = client_.socket.channel_binding();
  EXPECT_EQ(binding.size(), 32U);
  EXPECT_EQ(binding, server_.socket.channel_binding());
  Side other_client(client_context());
  Side other_server(server_context());
  shake_hands(other_client, other_server);
  EXPECT_NE(binding, other_client.socket.channel_binding());
  EXPECT_EQ(PeerSocket().channel_binding(), "") << "of a plain one there is none";
}

// Both ends of the wire are small, so that everything is taken in part.
TEST_F(TlsSessionTest, LargeBodiesGoThroughBothWaysHoweverTheyAreTaken) {
  secure();
  std::string text;
  for (int i = 0; text.size() < 1'000'000; ++i) {
    text += std::to_string(i) + " ";
  }
  for (const bool to_server : {true, false}) {
    Side& from = to_server ? client_ : server_;
    Side& to = to_server ? server_ : client_;
    const int small = 8 * 1024;
    ::setsockopt(from.socket.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    std::string came;
    std::size_t taken = 0;
    int partly = 0;
    std::size_t step = 1;
    while (came.size() < text.size() && !testing::Test::HasFailure()) {
      // In two parts, as a head and a body are.
      const std::size_t middle = std::min(text.size(), taken + 100);
      iovec parts[] = {{text.data() + taken, middle - taken}, {text.data() + middle, text.size() - middle}};
      const ssize_t sent = taken < text.size() ? from.socket.send(parts) : 0;
      partly += sent < 0 ? 1 : 0;
      ASSERT_TRUE(sent >= 0 || errno == EAGAIN);
      taken += sent < 0 ? 0 : static_cast<std::size_t>(sent);
      step = step * 7 % 9'973 + 1;
      pass_on(from, to, step);
      came += to.receive(step);
    }
    EXPECT_EQ(came, text);
    EXPECT_GT(partly, 10) << "the wire took all: the test shows nothing";
  }
}

// As with a plain socket: whoever closes after that loses nothing.
TEST_F(TlsSessionTest, WhatWasTakenComesThoughTheSenderGoes) {
  secure();
  const int small = 8 * 1024;
  ::setsockopt(client_.socket.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const std::string text(500'000, 't');
  std::size_t taken = 0;
  std::string wire;
  for (int i = 0; i < 3; ++i) {
    const ssize_t sent = client_.send(text.substr(taken));
    taken += sent < 0 ? 0 : static_cast<std::size_t>(sent);
    wire += client_.sent(20'000);
  }
  ASSERT_GT(taken, 16'000U);
  ASSERT_LT(taken, text.size());
  client_.socket.close();
  for (std::string rest = client_.sent(); !rest.empty(); rest = client_.sent()) {
    wire += rest;
  }
  server_.give(wire);
  server_.give_end();
  std::string came;
  do {
    came += server_.receive();
  } while (server_.last > 0);
  EXPECT_GE(came.size(), taken);
}

TEST_F(TlsSessionTest, AWordBetweenIsTakenWholeOrNotAtAll) {
  secure();
  EXPECT_EQ(client_.socket.send_at_once("word", 0), 4);
  const int small = 4 * 1024;
  ::setsockopt(client_.socket.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const std::string text(100'000, 't');
  std::size_t taken = 0;
  for (ssize_t sent = 0; sent >= 0; sent = client_.send(text.substr(taken))) {
    taken += static_cast<std::size_t>(sent);
  }
  EXPECT_EQ(client_.socket.send_at_once("lost", 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  std::string came;
  while (came.size() < text.size() + 4 && !testing::Test::HasFailure()) {
    pass_on(client_, server_);
    const ssize_t sent = taken < text.size() ? client_.send(text.substr(taken)) : 0;
    taken += sent < 0 ? 0 : static_cast<std::size_t>(sent);
    came += server_.receive();
  }
  EXPECT_EQ(came, "word" + text) << "and what follows is not garbled";
}

TEST_F(TlsSessionTest, ReadsGiveAllThatIsThere) {
  secure();
  std::string wire;
  for (int i = 0; i < 5; ++i) {
    wire += encrypted(std::string(10'000, static_cast<char>('a' + i)));  // records of their own
  }
  server_.give(wire);
  EXPECT_EQ(server_.receive(64 * 1024).size(), 50'000U) << "less than asked for: it has to be all";
  expect_error(server_, EAGAIN);
}

// The edge of what came meanwhile was told while there were bytes inside.
TEST_F(TlsSessionTest, BytesInsideDoNotHideThoseThatHaveComeSince) {
  secure();
  server_.give(encrypted("0123456789"));
  EXPECT_EQ(server_.receive(4), "0123");
  server_.give(encrypted("more"));
  EXPECT_EQ(server_.receive(100), "456789more");
}

TEST_F(TlsSessionTest, AnEndIsToldBehindWhatCame) {
  secure();
  server_.give(encrypted("last"));
  server_.give_end();
  EXPECT_EQ(server_.receive(), "last");
  expect_end(server_);
  EXPECT_EQ(server_.send("still heard"), 11) << "it has closed its side alone";
  pass_on(server_, client_);
  EXPECT_EQ(client_.receive(), "still heard");
}

TEST_F(TlsSessionTest, HalfARecordIsNothing) {
  secure();
  const std::string wire = encrypted("last");
  server_.give(wire.substr(0, wire.size() - 1));
  expect_error(server_, EAGAIN);
  server_.give_end();
  expect_end(server_);
}

TEST_F(TlsSessionTest, AFarewellThatAnybodyCouldHaveSentIsNotBelieved) {
  secure();
  const std::string wire = encrypted("last");
  server_.give(wire + std::string("\x15\x03\x03\x00\x02\x01\x00", 7));  // close_notify, in the clear
  EXPECT_EQ(server_.receive(), "last");
  expect_error(server_, EPROTO);
}

TEST_F(TlsSessionTest, WhatWasChangedIsNotBelievedAndTheLoopIsTold) {
  secure();
  std::string wire = encrypted("good");
  std::string changed = encrypted("evil");
  changed.back() = static_cast<char>(changed.back() ^ 1);
  server_.give(wire + changed);
  EXPECT_EQ(server_.receive(), "good");
  pollfd told{server_.socket.fd(), POLLIN | POLLRDHUP, 0};
  EXPECT_EQ(::poll(&told, 1, 0), 1);
  EXPECT_NE(told.revents & (POLLRDHUP | POLLHUP), 0);
  expect_error(server_, EPROTO);
  EXPECT_NE(server_.socket.fault(), "");
  expect_error(server_, EPROTO);
  EXPECT_EQ(server_.send("x"), -1);
}

TEST_F(TlsSessionTest, WhatIsSentAgainIsNotBelieved) {
  secure();
  const std::string wire = encrypted("once");
  server_.give(wire + wire);
  EXPECT_EQ(server_.receive(), "once");
  expect_error(server_, EPROTO);
}

TEST_F(TlsSessionTest, GarbageIsNoHandshake) {
  for (const std::string& garbage : {std::string("GET /health HTTP/1.1\r\nHost: w\r\n\r\n"),
                                     std::string(100, '\0'), std::string(20'000, '\x16')}) {
    Side server(server_context());
    server.give(garbage);
    EXPECT_EQ(server.socket.shake_hands(), Handshake::kFailed);
    EXPECT_NE(server.socket.fault(), "");
    expect_error(server, EPROTO);
    EXPECT_EQ(server.send("x"), -1);
    EXPECT_EQ(server.socket.shake_hands(), Handshake::kFailed) << "for good";
  }
  EXPECT_EQ(client_.socket.shake_hands(), Handshake::kPending);
  client_.give("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client_.socket.shake_hands(), Handshake::kFailed);
  EXPECT_NE(client_.socket.fault(), "");
}

TEST_F(TlsSessionTest, APeerThatGoesInTheMiddleOfTheHandshakeIsNoFault) {
  EXPECT_EQ(client_.socket.shake_hands(), Handshake::kPending);
  const std::string hello = client_.sent();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, hello.size() / 2, hello.size()}) {
    Side server(server_context());
    server.give(hello.substr(0, bytes));
    EXPECT_EQ(server.socket.shake_hands(), Handshake::kPending);
    server.give_end();
    EXPECT_EQ(server.socket.shake_hands(), Handshake::kFailed);
    EXPECT_EQ(server.socket.fault(), "");
    expect_end(server);
  }
}

TEST_F(TlsSessionTest, OlderVersionsAreRefused) {
  struct Old {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  } old;
  SSL_CTX_set_max_proto_version(old.context, TLS1_2_VERSION);
  const auto older = std::make_shared<const TlsContext>(old.context, /*server=*/false);
  Side client(older);
  EXPECT_EQ(client.socket.shake_hands(), Handshake::kPending);
  pass_on(client, server_);
  EXPECT_EQ(server_.socket.shake_hands(), Handshake::kFailed);
  EXPECT_NE(server_.socket.fault().find("protocol"), std::string::npos) << server_.socket.fault();
}

// Who ends TLS on both sides has two connections, and each has a binding of its own.
TEST_F(TlsSessionTest, SomebodyBetweenHasNotOneBindingForBothSides) {
  Side to_client(server_context());
  Side to_server(client_context());
  shake_hands(client_, to_client);
  shake_hands(to_server, server_);
  client_.send("passed on");
  pass_on(client_, to_client);
  to_server.send(to_client.receive());
  pass_on(to_server, server_);
  EXPECT_EQ(server_.receive(), "passed on") << "TLS itself does not notice";
  EXPECT_NE(client_.socket.channel_binding(), server_.socket.channel_binding());
}

}  // namespace
}  // namespace hearth::http
