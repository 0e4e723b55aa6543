// Messages to servers on this machine, over real connections.
#include "webhook/curl/curl_webhooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>

#include "base/reactor.h"
#include "http/loopback_test_support.h"
#include "webhook/curl/tls_server_test_support.h"

namespace hearth::webhook {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;
using Answer = std::optional<base::Result<int>>;

class CurlWebhooksTest : public testing::Test {
 protected:
  CurlWebhooksTest() {
    handler_.on_plan = [](const http::RequestHead&) { return http::Buffer{16UL << 20U}; };
    handler_.on_handle = [this](http::Request request, http::Responder responder) {
      const std::lock_guard lock(mutex_);
      seen_.push_back(std::move(request));
      answer_(std::move(responder));
    };
    server_.emplace(handler_);
    options_.timeout = milliseconds(10'000);
    start();
  }
  ~CurlWebhooksTest() override {
    webhooks_.reset();
    server_->on_loop([this] { held_.clear(); });
    server_.reset();
    loop_.discard_posted();
  }

  void start() {
    webhooks_.reset();
    auto started = CurlWebhooks::start(options_, loop_);
    ASSERT_TRUE(started.ok()) << started.error().message;
    webhooks_ = std::move(*started);
  }
  std::string url(const std::string& path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  std::shared_ptr<Answer> post(const std::string& to, const std::string& body = "{}") {
    auto answer = std::make_shared<Answer>();
    webhooks_->post({to,
                     {"Content-Type: application/json", "X-Hearth-Attempt: 1"},
                     std::make_shared<const std::string>(body)},
                    [answer](base::Result<int> result) { *answer = std::move(result); });
    return answer;
  }
  base::Result<int> answer_of(const std::shared_ptr<Answer>& answer) {
    const auto bound = base::Clock::now() + std::chrono::seconds(15);
    while (!*answer && base::Clock::now() < bound) {
      loop_.run_one_until(bound);
    }
    return answer->value_or(base::Error{ErrorCode::kInternal, "nobody was told"});
  }
  base::Result<int> status_of(const std::string& to, const std::string& body = "{}") {
    return answer_of(post(to, body));
  }
  // "200", or why there is no answer.
  std::string said_by(const std::string& to, const std::string& body = "{}") {
    const auto answer = status_of(to, body);
    return answer ? std::to_string(*answer) : answer.error().message;
  }
  void answer_with(std::function<void(http::Responder)> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }
  void hold() {
    answer_with([this](http::Responder responder) { held_.push_back(std::move(responder)); });
  }
  std::vector<http::Request> seen() {
    const std::lock_guard lock(mutex_);
    return std::exchange(seen_, {});
  }

  base::Reactor loop_;
  std::mutex mutex_;
  std::vector<http::Request> seen_;  // guarded by mutex_, as is the answer
  std::function<void(http::Responder)> answer_ = [](http::Responder responder) {
    responder.send(http::test::text_response(200, "thank you"));
  };
  std::vector<http::Responder> held_;  // of the server's loop
  http::test::FunctionHandler handler_;
  std::optional<http::test::LoopbackServer> server_;
  CurlOptions options_;
  std::unique_ptr<CurlWebhooks> webhooks_;
};

TEST_F(CurlWebhooksTest, SendsWhatItIsGiven) {
  const std::string large(6UL << 20U, 'x');
  EXPECT_EQ(said_by(url("/hook?a=b"), large), "200");
  const auto requests = seen();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].head.method, http::Method::kPost);
  EXPECT_EQ(requests[0].head.target, "/hook?a=b");
  EXPECT_EQ(requests[0].head.header("Content-Type"), "application/json");
  EXPECT_EQ(requests[0].head.header("X-Hearth-Attempt"), "1");
  EXPECT_EQ(requests[0].head.header("Expect"), std::nullopt);
  EXPECT_TRUE(requests[0].body == large);
}

TEST_F(CurlWebhooksTest, AnyStatusIsAnAnswerAndNoRedirectIsFollowed) {
  answer_with([](http::Responder responder) { responder.send(http::test::text_response(500, "no")); });
  EXPECT_EQ(said_by(url()), "500");
  answer_with([](http::Responder responder) {
    auto elsewhere = http::test::text_response(302, "");
    elsewhere.headers.push_back({"Location", "/elsewhere"});
    responder.send(std::move(elsewhere));
  });
  EXPECT_EQ(said_by(url()), "302");
  EXPECT_EQ(seen().size(), 2U);
}

TEST_F(CurlWebhooksTest, AnAnswerOfAnyLengthIsOne) {
  answer_with([](http::Responder responder) {
    responder.send(http::test::text_response(201, std::string(8UL << 20U, 'x')));
  });
  EXPECT_EQ(said_by(url()), "201");
  EXPECT_EQ(said_by(url()), "201");
}

TEST_F(CurlWebhooksTest, OfAnAnswerThatNeverEndsTheBeginningIsEnough) {
  answer_with([this](http::Responder responder) {
    responder.begin(http::test::text_response(200, ""));
    responder.write(std::string(2 * kAnswerBytes, 'x'), /*last=*/false);
    held_.push_back(std::move(responder));
  });
  EXPECT_EQ(said_by(url()), "200");
}

TEST_F(CurlWebhooksTest, WhoDoesNotAnswerIsGivenUpAndHoldsNobodyUp) {
  options_.timeout = milliseconds(300);
  start();
  hold();
  const auto began = base::Clock::now();
  const auto hanging = post(url());
  while (seen().empty()) {
    loop_.run_one_until(base::Clock::now() + milliseconds(1));
  }
  answer_with([](http::Responder responder) { responder.send(http::test::text_response(204, "")); });
  EXPECT_TRUE(status_of(url()).ok());
  EXPECT_FALSE(hanging->has_value());
  const auto given_up = answer_of(hanging);
  ASSERT_FALSE(given_up.ok());
  EXPECT_EQ(given_up.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(given_up.error().message, HasSubstr("timed out"));
  EXPECT_GE(base::Clock::now() - began, milliseconds(300 - 1)) << "libcurl counts whole ones";
}

TEST_F(CurlWebhooksTest, WhoCannotBeReachedIsNoAnswerAndNothingSecretIsTold) {
  const auto nobody = status_of("http://127.0.0.1:1/hook?token=s3cret");
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.error().message, HasSubstr("127.0.0.1"));
  EXPECT_THAT(nobody.error().message, Not(HasSubstr("s3cret")));
  EXPECT_FALSE(status_of("http://no-such-host.invalid/").ok());
}

TEST_F(CurlWebhooksTest, OnlyTheWebIsReached) {
  for (const char* other :
       {"file:///etc/hostname", "ftp://127.0.0.1/", "gopher://127.0.0.1/x", "nonsense:"}) {
    const auto answer = status_of(other);
    ASSERT_FALSE(answer.ok()) << other;
    EXPECT_EQ(answer.error().code, ErrorCode::kUnavailable) << other;
  }
}

TEST_F(CurlWebhooksTest, NoProxyIsUsed) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const std::string said = said_by(url());
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  EXPECT_EQ(said, "200");
}

TEST_F(CurlWebhooksTest, AStopBreaksOffWhatIsOnItsWay) {
  hold();
  const auto hanging = post(url());
  while (seen().empty()) {
    loop_.run_one_until(base::Clock::now() + milliseconds(1));
  }
  const auto began = base::Clock::now();
  webhooks_.reset();
  EXPECT_LT(base::Clock::now() - began, milliseconds(5'000));
  loop_.poll();
  EXPECT_FALSE(hanging->has_value());
  EXPECT_EQ(hanging.use_count(), 1) << "the callback is gone";
}

TEST_F(CurlWebhooksTest, ACertificateThatNobodyVouchesForIsRefused) {
  const test::TlsServer server("IP:127.0.0.1");
  const auto refused = status_of("https://127.0.0.1:" + std::to_string(server.port()) + "/");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("certificate"));
}

TEST_F(CurlWebhooksTest, OneThatIsVouchedForIsTakenForItsNameAlone) {
  const test::TlsServer right("IP:127.0.0.1");
  const test::TlsServer wrong("DNS:elsewhere.example");
  options_.ca_file = testing::TempDir() + "webhook_ca.pem";
  std::ofstream(options_.ca_file) << right.pem() << wrong.pem();
  start();
  EXPECT_EQ(said_by("https://127.0.0.1:" + std::to_string(right.port()) + "/"), "200");
  const auto refused = status_of("https://127.0.0.1:" + std::to_string(wrong.port()) + "/");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, AnyOf(HasSubstr("name"), HasSubstr("certificate")));
  std::remove(options_.ca_file.c_str());
}

}  // namespace
}  // namespace hearth::webhook
