#include "http/socket_ends.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"

namespace hearth::http {
namespace {

struct Sockets {
  base::UniqueFd client;
  base::UniqueFd server;
};

// A connection to loopback: of IPv6, or of IPv4 that is taken by a socket of either.
Sockets connect(int client_family, int server_family) {
  const base::UniqueFd listening(::socket(server_family, SOCK_STREAM, 0));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_any;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool of_six = server_family == AF_INET6;
  const int off = 0;
  ::setsockopt(listening.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  EXPECT_EQ(
      ::bind(listening.get(), of_six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4),
             of_six ? sizeof v6 : sizeof v4),
      0);
  EXPECT_EQ(::listen(listening.get(), 1), 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  const in_port_t port = of_six ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                : reinterpret_cast<sockaddr_in*>(&bound)->sin_port;
  v6.sin6_port = v4.sin_port = port;
  v6.sin6_addr = in6addr_loopback;
  Sockets made{base::UniqueFd(::socket(client_family, SOCK_STREAM, 0)), {}};
  const bool to_six = client_family == AF_INET6;
  EXPECT_EQ(::connect(made.client.get(),
                      to_six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4),
                      to_six ? sizeof v6 : sizeof v4),
            0);
  made.server.reset(::accept(listening.get(), nullptr, nullptr));
  return made;
}

void expect_the_same_ends(const Sockets& sockets, const std::string& host) {
  const SocketEnds client = ends_of(sockets.client.get());
  const SocketEnds server = ends_of(sockets.server.get());
  EXPECT_EQ(client.here, server.there);
  EXPECT_EQ(client.there, server.here);
  EXPECT_NE(client.here, client.there);
  EXPECT_TRUE(client.here.starts_with(host + ":")) << client.here;
  EXPECT_GT(std::stoi(client.here.substr(host.size() + 1)), 0);
}

TEST(SocketEnds, AreTheSameFromBothSides) {
  expect_the_same_ends(connect(AF_INET, AF_INET), "127.0.0.1");
  expect_the_same_ends(connect(AF_INET6, AF_INET6), "[::1]");
}

TEST(SocketEnds, OfIpv4AreWrittenSoByASocketOfIpv6) {
  expect_the_same_ends(connect(AF_INET, AF_INET6), "127.0.0.1");
}

TEST(SocketEnds, AreNoneWithoutAConnection) {
  const base::UniqueFd alone(::socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(ends_of(alone.get()), SocketEnds());
  EXPECT_EQ(ends_of(-1), SocketEnds());
}

}  // namespace
}  // namespace hearth::http
