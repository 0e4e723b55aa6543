#include "store/postgres/direct_way.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "base/testing/free_port.h"
#include "base/testing/tcp_proxy.h"
#include "base/unique_fd.h"
#include "store/postgres/testing/postgres_server.h"

namespace hearth::store::postgres {
namespace {

constexpr std::chrono::milliseconds kWait{1'000};

class PostgresWay : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    url_ = PostgresServer::shared().make_database();
  }

  static std::optional<DirectWay> way(const std::string& url) {
    const auto connection = Connection::connect(url, {});
    EXPECT_TRUE(connection.ok()) << connection.error().message;
    const auto found = find_direct_way(**connection);
    EXPECT_TRUE(found.ok()) << found.error().message;
    return found ? *found : std::nullopt;
  }

  std::string port() const { return std::to_string(PostgresServer::shared().port()); }

  std::string url_;
};

TEST_F(PostgresWay, IsDirectWhereBothEndsSeeTheSameAddresses) {
  EXPECT_EQ(way(url_), (DirectWay{"127.0.0.1", port(), "127.0.0.1"}));
  std::string by_name = url_;
  by_name.replace(by_name.find("127.0.0.1"), 9, "localhost");
  EXPECT_EQ(way(by_name), (DirectWay{"localhost", port(), "127.0.0.1"}));
}

TEST_F(PostgresWay, IsNotThroughAProxyNorWithSeveralHostsNorByASocketFile) {
  const base::TcpProxy proxy(PostgresServer::shared().port());
  EXPECT_EQ(way(PostgresServer::shared().through(url_, proxy.port())), std::nullopt);
  std::string two = url_;
  two.replace(two.find("127.0.0.1"), 9, "127.0.0.1:1,127.0.0.1");
  EXPECT_EQ(way(two), std::nullopt);
  const std::string database = url_.substr(url_.rfind('/') + 1);
  EXPECT_EQ(way("postgres://hearth@/" + database + "?port=" + port() +
                "&host=" + PostgresServer::shared().socket_folder()),
            std::nullopt);
}

TEST_F(PostgresWay, ANamesEveryAddressMustRefuse) {
  // On loopback every address answers, be it with a refusal; only one has the listener.
  EXPECT_FALSE(refuses_everybody({"localhost", port(), "127.0.0.1"}, kWait));
  EXPECT_TRUE(refuses_everybody({"127.0.0.2", port(), "127.0.0.2"}, kWait));
  EXPECT_FALSE(refuses_everybody({"127.0.0.2", port(), "127.0.0.1"}, kWait)) << "the name leads elsewhere";
}

// A host that drops what comes, as far as the one who connects can tell.
TEST(RefusesEverybody, IsNotSaidOfWhomNoAnswerComesFrom) {
  const std::uint16_t port = base::free_port();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  const base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), name, sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  std::array<base::UniqueFd, 4> filling;  // the queue of those that nobody accepts
  for (base::UniqueFd& each : filling) {
    each.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(each.get(), name, sizeof address);
  }
  EXPECT_FALSE(
      refuses_everybody({"127.0.0.1", std::to_string(port), "127.0.0.1"}, std::chrono::milliseconds(50)));
}

TEST_F(PostgresWay, OneThatIsDownOrTakesNoNewcomersRefusesAndOneThatIsSilentDoesNot) {
  PostgresServer& server = PostgresServer::shared();
  const DirectWay way{"127.0.0.1", port(), "127.0.0.1"};
  EXPECT_FALSE(refuses_everybody(way, kWait));
  server.pause();
  EXPECT_FALSE(refuses_everybody(way, std::chrono::milliseconds(50)));
  server.go_on();
  {
    const auto connection = Connection::connect(url_, {});
    server.take_no_newcomers();
    EXPECT_TRUE(refuses_everybody(way, kWait)) << "it says so";
    EXPECT_TRUE((*connection)->run_text("SELECT 1").ok()) << "and serves those that it had";
  }
  server.kill();
  EXPECT_TRUE(refuses_everybody(way, kWait)) << "nothing listens";
  server.start();
  EXPECT_FALSE(refuses_everybody(way, kWait));
}

}  // namespace
}  // namespace hearth::store::postgres
