// The link over TLS: who may stand between, what of it is changed on its way, and workers that do not speak
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/testing/read_log.h"
#include "http/peer_socket.h"
#include "http/raw_server_test_support.h"
#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

using model::Refusal;
using testing::HasSubstr;
using testing::IsEmpty;

class LinkTls : public LinkTest {
 protected:
  LinkTls() : LinkTest(/*tls=*/true) {}

  ObserverPtr execute_at(std::uint16_t port, const std::string& instance = "i") {
    model::Allocation there = allocation(instance);
    there.worker_uri = uri_of(port);
    return execute(there);
  }
  void expect_refused(const ObserverPtr& observer) {
    ASSERT_TRUE(ended(observer));
    EXPECT_EQ(observer->refusal, Refusal::kNoAnswer);
    EXPECT_EQ(observer->ends, 1);
    EXPECT_THAT(executor_.asked, IsEmpty());
  }
};

// Somebody between as the network has him: he sees bytes and may change them.
class BytesBetween : public LinkTls {
 protected:
  BytesBetween() { start_worker(); }

  ObserverPtr call() {
    const ObserverPtr observer = execute_at(between_.port());
    EXPECT_TRUE(run_until([&] { return (to_link_ = between_.accept()) != nullptr; }));
    to_worker_ = http::test::RawConnection::to(port_);
    return observer;
  }
  void pass_on() {
    to_worker_->send_some(take(*to_link_, spoils_request_));
    to_link_->send_some(take(*to_worker_, spoils_answer_));
  }
  // What has come, with its last byte changed where that is wished.
  std::string take(http::test::RawConnection& from, bool spoil) {
    std::string bytes = from.received();
    from.forget();
    seen_ += bytes;
    if (spoil && !bytes.empty()) {
      bytes.back() = static_cast<char>(bytes.back() ^ 1);
    }
    return bytes;
  }
  bool pass_on_until(const std::function<bool()>& condition) {
    return run_until([&] {
      pass_on();
      return condition();
    });
  }
  // A call that is executed, and the link knows.
  ObserverPtr admitted() {
    const ObserverPtr observer = call();
    EXPECT_TRUE(pass_on_until([this] { return !executor_.asked.empty(); }));
    const auto until = base::Clock::now() + milliseconds(100);  // an admission is held back for a moment
    EXPECT_TRUE(pass_on_until([&] { return base::Clock::now() > until; }));
    return observer;
  }

  http::test::RawServer between_;
  std::unique_ptr<http::test::RawConnection> to_link_;
  std::unique_ptr<http::test::RawConnection> to_worker_;
  bool spoils_request_ = false;
  bool spoils_answer_ = false;
  std::string seen_;
};

TEST_F(BytesBetween, NothingThatIsSaidCanBeRead) {
  const ObserverPtr observer = admitted();
  ASSERT_EQ(executor_.asked.size(), 1U);
  executor_.asked[0].finish("\"an output\"");
  ASSERT_TRUE(pass_on_until([&] { return observer->ends > 0; }));
  EXPECT_TRUE(observer->lease);
  EXPECT_GT(seen_.size(), 1'000U);
  for (const char* const word : {"HTTP", "Hearth", "/execute", "an output"}) {
    EXPECT_EQ(seen_.find(word), std::string::npos) << word;
  }
}

TEST_F(BytesBetween, AnAnswerThatIsChangedIsALoss) {
  const ObserverPtr observer = admitted();
  ASSERT_EQ(executor_.asked.size(), 1U);
  spoils_answer_ = true;
  executor_.asked[0].finish();
  ASSERT_TRUE(pass_on_until([&] { return observer->ends > 0; }));
  EXPECT_TRUE(observer->lost()) << "it has been executed";
  run_for(milliseconds(20));
  EXPECT_EQ(observer->ends, 1);
  EXPECT_EQ(executor_.asked.size(), 1U);
}

TEST_F(BytesBetween, ARequestThatIsChangedIsNotExecuted) {
  const ObserverPtr told = admitted();  // the version, so that the next request is the call's
  ASSERT_EQ(executor_.asked.size(), 1U);
  executor_.asked[0].finish("1", /*reusable=*/false);
  ASSERT_TRUE(pass_on_until([&] { return told->ends > 0; }));
  spoils_request_ = true;
  const ObserverPtr observer = execute_at(between_.port());
  ASSERT_TRUE(pass_on_until([&] { return observer->ends > 0; }));
  EXPECT_TRUE(observer->lost()) << "the end that it has seen is not the worker's";
  EXPECT_EQ(executor_.asked.size(), 1U);
  EXPECT_TRUE(to_worker_->ended());
}

// Somebody between who ends TLS on both sides: he reads all, and passes it on as it is.
class TlsBetween : public LinkTls {
 protected:
  TlsBetween() { start_worker(); }

  static base::UniqueFd connect_to(std::uint16_t port) {
    http::SocketAddress address;
    EXPECT_TRUE(http::numeric_address("127.0.0.1", port, address));
    base::UniqueFd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(made.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size), 0);
    return made;
  }
  void stand_between(base::UniqueFd from_link, bool tls_to_worker = true) {
    to_link_ = http::PeerSocket(std::move(from_link), *http::TlsContext::of_server());
    to_worker_ =
        http::PeerSocket(connect_to(port_), tls_to_worker ? *http::TlsContext::of_client() : nullptr);
  }
  static std::string take(http::PeerSocket& from) {
    std::string bytes(64 * 1024, '\0');
    const ssize_t got = from.receive(bytes.data(), bytes.size());
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  void pass_on() {
    if (!to_link_.secured() || !to_worker_.secured()) {
      to_link_.shake_hands();
      to_worker_.shake_hands();
      return;
    }
    const std::string request = take(to_link_);
    const std::string answer = take(to_worker_);
    if (!request.empty()) {
      to_worker_.send_at_once(request, 0);
    }
    if (!answer.empty()) {
      to_link_.send_at_once(answer, 0);
    }
    from_link_ += request;
    from_worker_ += answer;
  }
  bool pass_on_until(const std::function<bool()>& condition) {
    return run_until([&] {
      pass_on();
      return condition();
    });
  }

  http::PeerSocket to_link_;
  http::PeerSocket to_worker_;
  std::string from_link_;
  std::string from_worker_;
};

TEST_F(TlsBetween, WhoEndsTlsOnBothSidesIsRefusedBeforeAnythingIsAsked) {
  const http::test::RawServer between;
  const base::ReadLog log;
  const ObserverPtr observer = execute_at(between.port());
  base::UniqueFd accepted;
  ASSERT_TRUE(run_until([&] {
    accepted = between.accept_socket();
    return accepted.valid();
  }));
  stand_between(std::move(accepted));
  ASSERT_TRUE(pass_on_until([&] { return observer->ends > 0; }));
  expect_refused(observer);
  EXPECT_THAT(from_link_, HasSubstr("POST /session"));
  EXPECT_THAT(from_worker_, HasSubstr("Hearth-Proof")) << "it was the worker's own answer";
  EXPECT_EQ(from_link_.find("Hearth-Mac"), std::string::npos) << "and nothing was asked after it";
  EXPECT_THAT(log.text(), HasSubstr("--cluster-key"));
  EXPECT_NE(to_link_.channel_binding(), to_worker_.channel_binding());
}

// The worker's side of the same: a gateway that would take any proof.
TEST_F(TlsBetween, TheWorkerTakesNoRequestOfAnotherChannel) {
  Identity identity{"g", cluster::cluster_key("secret")};
  to_worker_ = http::PeerSocket(connect_to(port_), *http::TlsContext::of_client());
  ASSERT_TRUE(run_until([this] { return to_worker_.shake_hands() == http::TlsSession::Handshake::kDone; }));
  const std::string nonce(2 * cluster::kNonceBytes, 'a');
  for (const bool right : {true, false}) {
    std::string answer;
    const auto ask = [&](const std::string& request) {
      answer.clear();
      to_worker_.send_at_once(request, 0);
      return run_until([&] { return (answer += take(to_worker_)).find("\r\n\r\n") != std::string::npos; });
    };
    ASSERT_TRUE(
        ask("POST /session HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\nHearth-Holder: g\r\nHearth-Nonce: " +
            nonce + "\r\n\r\n"));
    const std::string theirs = answer.substr(answer.find("Hearth-Nonce: ") + 14, 2 * cluster::kNonceBytes);
    const std::string channel = right ? std::string(to_worker_.channel_binding()) : std::string(32, 'x');
    cluster::Seal seal(cluster::session_key(identity.key, {nonce, theirs, channel}),
                       cluster::Direction::kRequest);
    ASSERT_TRUE(ask("POST /leases HTTP/1.1\r\nHost: w\r\nContent-Length: 0\r\nHearth-Mac: " +
                    seal.next({"POST", "/leases", ""}) + "\r\n\r\n"));
    EXPECT_THAT(answer, HasSubstr(right ? " 200 " : " 401 "));
    to_worker_ = http::PeerSocket(connect_to(port_), *http::TlsContext::of_client());
    ASSERT_TRUE(run_until([this] { return to_worker_.shake_hands() == http::TlsSession::Handshake::kDone; }));
  }
}

class LinkTlsOnly : public LinkTest {
 protected:
  std::unique_ptr<HttpLink> strict_link() {
    return std::make_unique<HttpLink>(
        LinkParts{here_, pool_, random_, Identity{"g", cluster::cluster_key("secret")}, /*tls_only=*/true},
        "", nullptr);
  }
};

TEST_F(LinkTlsOnly, APlainWorkerIsNotUsedAndThatIsSaidOnce) {
  const base::ReadLog log;
  start_worker();
  link_ = strict_link();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(execute("i")->refusal, Refusal::kNoAnswer);
    EXPECT_EQ(execute_behind("i")->ends, 1);
    link_->take_back(allocation("i"));
    link_->release(allocation("i"), model::ReleaseKind::kKeep);
  }
  base::Result<void> drained;
  link_->drain(uri(), [&](base::Result<void> result) { drained = std::move(result); });
  ASSERT_FALSE(drained.ok());
  EXPECT_THAT(drained.error().message, HasSubstr("--link-tls"));
  run_for(milliseconds(20));
  EXPECT_EQ(host_->connections(), 0U) << "it is not even connected to";
  EXPECT_EQ(log.count("--link-tls"), 1) << log.text();
  EXPECT_EQ(log.count(uri()), 1);
}

TEST_F(LinkTls, AWorkerWithTlsIsUsedWhetherOthersAreOrNot) {
  start_worker();
  lease_of("i");
  link_ = std::make_unique<HttpLink>(
      LinkParts{here_, pool_, random_, Identity{"h", cluster::cluster_key("secret")}, /*tls_only=*/true}, "",
      nullptr);
  lease_of("j");
}

// The URI says what is spoken, and nothing else is tried.
TEST_F(LinkTls, AWorkerThatSpeaksNotWhatItsUriSaysGetsNoCall) {
  const base::ReadLog log;
  start_worker();
  model::Allocation plainly = allocation("i");
  plainly.worker_uri = "http://127.0.0.1:" + std::to_string(port_);
  expect_refused(execute(plainly));
  const http::test::RawServer plain;
  const ObserverPtr observer = execute_at(plain.port());
  std::unique_ptr<http::test::RawConnection> peer;
  ASSERT_TRUE(run_until([&] { return (peer = plain.accept()) != nullptr; }));
  ASSERT_TRUE(run_until([&] { return !peer->received().empty(); }));
  EXPECT_EQ(peer->received()[0], '\x16') << "a ClientHello";
  peer->send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  expect_refused(observer);
  EXPECT_THAT(log.text(), HasSubstr("does not speak TLS"));
}

}  // namespace
}  // namespace hearth::link
