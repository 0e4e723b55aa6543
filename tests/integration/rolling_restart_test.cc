// Every process of a platform is replaced by another under load, one after the other: callers that do as the
// answers say ("Connection: close") see no failed call.
#include <array>
#include <mutex>
#include <optional>

#include "http/answer_head.h"
#include "http/client_socket.h"
#include "http/endpoint.h"
#include "tests/integration/members_fixture.h"

namespace hearth::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kEcho = "module.exports = (input) => input;";

// Gateways that callers know of.
class Entrances {
 public:
  void add(const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    endpoints_.push_back(endpoint);
  }
  void remove(const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    std::erase(endpoints_, endpoint);
  }
  std::string pick(std::size_t number) const {
    const std::lock_guard lock(mutex_);
    return endpoints_[number % endpoints_.size()];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> endpoints_;
};

// Nothing is looked at before a request is sent, and nothing is sent twice.
class KeptConnection {
 public:
  // Null when nobody listens there.
  static std::unique_ptr<KeptConnection> to(const std::string& endpoint) {
    auto made = std::make_unique<KeptConnection>();
    bool nothing_listens = false;
    const auto connected =
        made->socket_.connect(http::parse_endpoint(endpoint)->address,
                              http::ClientSocket::TimePoint::clock::now() + seconds(20), nothing_listens);
    return connected ? std::move(made) : nullptr;
  }

  // The whole answer; empty when the server closes before it is whole.
  std::string post(const std::string& target, const std::string& body) {
    const auto deadline = http::ClientSocket::TimePoint::clock::now() + seconds(20);
    std::size_t sent = 0;
    const std::string request = "POST " + target +
                                " HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n" +
                                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    static_cast<void>(socket_.send(request, deadline, sent));
    std::string answer;
    while (!whole(answer)) {
      std::array<char, 4'096> bytes;
      const auto got = socket_.receive(bytes.data(), bytes.size(), deadline);
      if (!got || *got == 0) {
        return {};
      }
      answer.append(bytes.data(), *got);
    }
    return answer;
  }

 private:
  static bool whole(const std::string& answer) {
    http::AnswerHead head;
    return http::read_answer_head(answer, head) == http::HeadState::kComplete &&
           answer.size() >= head.bytes + head.content_length;
  }

  http::ClientSocket socket_;
};

// Call and call, each on a connection that is kept for as long as its server says. Where nobody listens they
// go elsewhere: there was no call.
class Callers : public CallerThreads {
 public:
  Callers(const Entrances& entrances, std::string target, int count) : target_(std::move(target)) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, &entrances, i] { call_on(entrances, static_cast<std::size_t>(i)); });
    }
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;
  ~Callers() { stop(); }

  std::string failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  void call_on(const Entrances& entrances, std::size_t caller) {
    std::unique_ptr<KeptConnection> connection;
    for (std::size_t call = 0; !stop_; ++call) {
      if (!connection) {
        connection = KeptConnection::to(entrances.pick(caller + call));
      }
      if (!connection) {
        continue;
      }
      const std::string word = "\"" + std::to_string(caller) + "-" + std::to_string(call) + "\"";
      const std::string answer = connection->post(target_, word);
      if (answer.starts_with("HTTP/1.1 200 ") && answer.find(word) != std::string::npos) {
        ++answered;
      } else {
        failed(answer.empty() ? "closed without having said so" : answer);
      }
      if (answer.empty() || answer.find("\r\nConnection: close\r\n") != std::string::npos) {
        connection.reset();
      }
    }
  }
  void failed(const std::string& what) {
    const std::lock_guard lock(mutex_);
    failures_ += what.substr(0, 600) + "\n";
  }

  const std::string target_;
  mutable std::mutex mutex_;
  std::string failures_;
};

class RollingRestart : public MembersTest {
 protected:
  std::unique_ptr<HearthServer> gateway() {
    auto made = start("gateway");
    entrances_.add(made->endpoint());
    return made;
  }
  // The new one is there before the old one is told to end.
  void replace_gateway(std::unique_ptr<HearthServer>& old) {
    auto replacement = gateway();
    ASSERT_TRUE(has_workers(*replacement, 2));
    ASSERT_TRUE(callers_->goes_on(100));
    EXPECT_EQ(old->stop(), 0) << old->log();
    entrances_.remove(old->endpoint());
    old = std::move(replacement);
    EXPECT_TRUE(callers_->goes_on(100));
  }

  Entrances entrances_;
  std::optional<Callers> callers_;
};

TEST_F(RollingRestart, OfEveryRoleFailsNoCall) {
  std::vector<std::unique_ptr<HearthServer>> gateways;
  std::vector<std::unique_ptr<HearthServer>> workers;
  for (int i = 0; i < 2; ++i) {
    gateways.push_back(gateway());
    workers.push_back(worker({}, 1'024));
  }
  auto monitor = start("monitor");
  ASSERT_TRUE(has_workers(*gateways[0], 2) && has_workers(*gateways[1], 2));
  const std::string id = gateways[0]->create_js(kEcho);
  callers_.emplace(entrances_, "/functions/" + id + "/invoke", 6);
  ASSERT_TRUE(callers_->goes_on(200));
  for (std::size_t i = 0; i < 2; ++i) {
    replace_gateway(gateways[i]);
    EXPECT_EQ(workers[i]->stop(), 0) << workers[i]->log();
    workers[i] = worker({}, 1'024);
    ASSERT_TRUE(has_workers(*gateways[i], 2));
    EXPECT_TRUE(callers_->goes_on(200));
  }
  EXPECT_EQ(monitor->stop(), 0) << monitor->log();
  monitor = start("monitor");
  EXPECT_TRUE(callers_->goes_on(200));
  callers_->stop();
  EXPECT_EQ(callers_->failures(), "") << "of " << callers_->answered;
}

// Two servers that are all in one, and share their functions and instances.
TEST_F(RollingRestart, OfServersFailsNoCall) {
  int uid = 300'000;
  const auto server = [&] {
    auto made = start("serve", {"--advertise", "http://127.0.0.1:" + std::to_string(free_port()), "--memory",
                                "1024", "--memory-max", "256", "--uid-base", std::to_string(uid += 10'000)});
    entrances_.add(made->endpoint());
    return made;
  };
  std::vector<std::unique_ptr<HearthServer>> servers;
  servers.push_back(server());
  servers.push_back(server());
  ASSERT_TRUE(has_workers(*servers[0], 2));
  const std::string id = servers[0]->create_js(kEcho);
  callers_.emplace(entrances_, "/functions/" + id + "/invoke", 4);
  ASSERT_TRUE(callers_->goes_on(100));
  for (auto& old : servers) {
    auto replacement = server();
    ASSERT_TRUE(has_workers(*replacement, 3));
    EXPECT_EQ(old->stop(), 0) << old->log();
    entrances_.remove(old->endpoint());
    old = std::move(replacement);
    EXPECT_TRUE(callers_->goes_on(100));
  }
  callers_->stop();
  EXPECT_EQ(callers_->failures(), "") << "of " << callers_->answered;
}

}  // namespace
}  // namespace hearth::test
