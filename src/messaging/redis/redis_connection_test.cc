// One connection to a real server: its greeting, its bounds, its deadline, and how it comes back.
#include "messaging/redis/redis_connection.h"

#include <future>

#include "messaging/redis/testing/redis_fixture.h"

namespace hearth::messaging {
namespace {

using std::chrono::milliseconds;

class RedisConnectionTest : public testing::Test {
 protected:
  void open(const RedisUrl& url, std::vector<std::string> channels = {}) {
    connection_ = std::make_unique<RedisConnection>(
        reactor_, pool_, url,
        RedisConnection::Events{
            [this] { ++ups_; }, [this] { ++downs_; },
            [this](std::string_view, std::string_view text) { messages_.emplace_back(text); }});
    connection_->open(std::move(channels));
  }
  bool comes_up() {
    return run_until(reactor_, [this] { return connection_->up(); });
  }
  // The answer's text, or the error's code.
  std::string ask(const std::vector<std::string>& words) {
    std::string answer;
    connection_->send(words, [&](const base::Result<Reply>& reply) {
      answer = reply ? "ok " + reply->text : std::string(base::to_string(reply.error().code));
    });
    EXPECT_TRUE(run_until(reactor_, [&] { return !answer.empty(); }));
    return answer;
  }

  base::Reactor reactor_;
  base::BlockingPool pool_{1, 16};
  std::unique_ptr<RedisConnection> connection_;
  int ups_ = 0;
  int downs_ = 0;
  std::vector<std::string> messages_;
};

TEST_F(RedisConnectionTest, AnswersCommandsInTheirOrder) {
  const RedisProcess server;
  open(server.url());
  EXPECT_EQ(ask({"PING"}), "gone") << "not up yet";
  ASSERT_TRUE(comes_up());
  std::vector<std::string> answers;
  for (int i = 0; i < 1'000; ++i) {
    connection_->send(std::vector<std::string>{"ECHO", std::to_string(i)},
                      [&](const base::Result<Reply>& reply) { answers.push_back(reply->text); });
  }
  EXPECT_TRUE(run_until(reactor_, [&] { return answers.size() == 1'000; }));
  EXPECT_EQ(answers.front(), "0");
  EXPECT_EQ(answers.back(), "999");
  EXPECT_EQ(ask({"EVALSHA", "0", "0"}), "not_found");
  EXPECT_EQ(ask({"NONSENSE"}), "invalid_argument");
}

TEST_F(RedisConnectionTest, BringsLargeAnswersWhole) {
  const RedisProcess server;
  open(server.url());
  ASSERT_TRUE(comes_up());
  const std::string large(4U << 20U, 'x');
  EXPECT_EQ(ask({"ECHO", large}), "ok " + large);
}

TEST_F(RedisConnectionTest, LooksUpNamesOnThePool) {
  const RedisProcess server;
  RedisUrl url = server.url();
  url.host = "localhost";
  open(url);
  EXPECT_TRUE(comes_up());
}

TEST_F(RedisConnectionTest, AnAttemptThatCannotBeginEndsAtItsDeadlineAndIsMadeAgain) {
  const RedisProcess server;
  std::promise<void> began;
  std::promise<void> release;
  base::BlockingPool busy(1, 1);
  ASSERT_TRUE(busy.submit([&] {
    began.set_value();
    release.get_future().wait();
  }));
  began.get_future().wait();
  ASSERT_TRUE(busy.submit([] {}));  // one more is refused
  RedisUrl url = server.url();
  url.host = "localhost";
  RedisConnection connection(reactor_, busy, url, {[] {}, [] {}, {}});
  connection.open();
  release.set_value();
  EXPECT_TRUE(run_until(
      reactor_, [&] { return connection.up(); }, 3 * kConnectDeadline));
}

TEST_F(RedisConnectionTest, GreetsWithPasswordAndDatabase) {
  const RedisProcess server({"--requirepass", "secret"});
  RedisUrl url = server.url();
  url.password = "wrong";
  open(url);
  EXPECT_FALSE(run_until(
      reactor_, [this] { return connection_->up(); }, milliseconds(200)));
  url.password = "secret";
  url.db = 3;
  open(url);
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(ask({"SET", "key", "value"}), "ok OK");
  url.db = 0;
  url.user = "default";
  open(url);
  ASSERT_TRUE(comes_up());
  EXPECT_EQ(ask({"GET", "key"}), "ok ") << "another database";
}

TEST_F(RedisConnectionTest, HearsWhatIsPublished) {
  const RedisProcess server;
  open(server.url(), {"a", "b"});
  ASSERT_TRUE(comes_up());
  server.ask("PUBLISH b hello");
  EXPECT_TRUE(run_until(reactor_, [this] { return messages_ == std::vector<std::string>{"hello"}; }));
}

TEST_F(RedisConnectionTest, ComesBackByItselfAndTellsBoth) {
  RedisProcess server;
  open(server.url());
  ASSERT_TRUE(comes_up());
  server.kill();
  EXPECT_TRUE(run_until(reactor_, [this] { return downs_ == 1; }));
  EXPECT_EQ(ask({"PING"}), "gone");
  server.start();
  EXPECT_TRUE(run_until(reactor_, [this] { return ups_ == 2; }));
  EXPECT_EQ(ask({"PING"}), "ok PONG");
}

// The kernel of a stopped server goes on taking connections and bytes.
TEST_F(RedisConnectionTest, ACommandWithoutAnAnswerFailsAtItsDeadlineAndAllBehindItAtOnce) {
  const RedisProcess server;
  open(server.url());
  ASSERT_TRUE(comes_up());
  server.freeze();
  const auto began = base::Clock::now();
  EXPECT_EQ(ask({"PING"}), "timeout");
  const auto waited = base::Clock::now() - began;
  EXPECT_GE(waited, kCommandDeadline - milliseconds(5));
  EXPECT_LT(waited, 2 * kCommandDeadline);
  EXPECT_EQ(downs_, 1);
  EXPECT_EQ(ask({"PING"}), "gone");
  EXPECT_FALSE(run_until(
      reactor_, [this] { return ups_ > 1; }, milliseconds(700)))
      << "nobody greets back";
  server.thaw();
  EXPECT_TRUE(run_until(
      reactor_, [this] { return ups_ == 2; }, milliseconds(2'000)));
}

TEST_F(RedisConnectionTest, OneCommandBeyondTheBoundFailsAtOnce) {
  const RedisProcess server;
  open(server.url());
  ASSERT_TRUE(comes_up());
  server.freeze();
  std::size_t answered = 0;
  base::ErrorCode last{};
  const auto send = [&] {
    connection_->send(std::vector<std::string>{"PING"}, [&](const base::Result<Reply>& reply) {
      ++answered;
      last = reply.error().code;
    });
  };
  for (std::size_t i = 0; i < kMostInFlight; ++i) {
    send();
  }
  EXPECT_EQ(answered, 0U);
  send();
  EXPECT_EQ(answered, 1U);
  EXPECT_EQ(last, base::ErrorCode::kExhausted);
  EXPECT_TRUE(run_until(reactor_, [&] { return answered == kMostInFlight + 1; })) << "each its own, once";
}

TEST_F(RedisConnectionTest, DestroyedItCallsNobody) {
  const RedisProcess server;
  open(server.url());
  ASSERT_TRUE(comes_up());
  int answers = 0;
  connection_->send(std::vector<std::string>{"PING"}, [&](const base::Result<Reply>&) { ++answers; });
  connection_.reset();
  run_until(
      reactor_, [] { return false; }, milliseconds(50));
  EXPECT_EQ(answers, 0);
  EXPECT_EQ(downs_, 0);
}

}  // namespace
}  // namespace hearth::messaging
