// A server that follows a script, and a terminal of strings: what the tests of the commands run on.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/cli.h"

namespace hearth::cli {

struct Exchange {
  http::Method method = http::Method::kGet;
  std::string path;
  base::Result<Reply> answer;
};

struct Script {
  std::deque<Exchange> expected;
  std::vector<std::string> bodies;                 // of every request, in order
  std::vector<std::vector<http::Header>> headers;  // the same
  Connection connection;                           // of the last connect
};

class FakeApi final : public Api {
 public:
  explicit FakeApi(Script& script) : script_(script) {}

  base::Result<Reply> send(const Request& request) override { return next(request); }

  base::Result<Reply> upload(http::Method method, const std::string& path, http::BodySource& body) override {
    std::string text;
    char buffer[1000];
    for (;;) {
      const auto count = body.read(buffer, sizeof buffer);
      if (!count) {
        return count.error();
      }
      if (*count == 0) {
        break;
      }
      text.append(buffer, *count);
      body.progress(text.size());
    }
    EXPECT_EQ(text.size(), body.bytes) << "the body is as long as it was announced";
    return next({method, path, std::move(text)});
  }

 private:
  base::Result<Reply> next(const Request& request) {
    const std::string& path = request.path;
    script_.bodies.push_back(request.body);
    script_.headers.push_back(request.headers);
    if (script_.expected.empty()) {
      ADD_FAILURE() << "unexpected request for " << path;
      return Reply{500, "", "", ""};
    }
    Exchange exchange = std::move(script_.expected.front());
    script_.expected.pop_front();
    EXPECT_EQ(static_cast<int>(request.method), static_cast<int>(exchange.method)) << path;
    EXPECT_EQ(path, exchange.path);
    return exchange.answer;
  }

  Script& script_;
};

class CommandTest : public testing::Test {
 protected:
  static constexpr std::int64_t kNowMs = 1'800'000'000'000;  // 2027-01-15T08:00:00Z

  void TearDown() override { EXPECT_TRUE(script_.expected.empty()) << "requests that were never made"; }

  void expect(http::Method method, std::string path, int status, std::string body) {
    expect(method, std::move(path), Reply{status, std::move(body), "", ""});
  }
  void expect(http::Method method, std::string path, base::Result<Reply> answer) {
    script_.expected.push_back({method, std::move(path), std::move(answer)});
  }

  // Runs "hearth ARGUMENTS…" and returns its exit code; out() and err() hold what it wrote.
  int hearth(std::vector<std::string> arguments, std::vector<Command> local_commands = {}) {
    out_.str("");
    err_.str("");
    Environment environment{
        Terminal{in_, out_, err_, in_is_terminal_, in_is_data_, out_is_terminal_, err_is_terminal_},
        [this](const Connection& connection) {
          script_.connection = connection;
          return std::make_unique<FakeApi>(script_);
        },
        [this](const char* name) -> std::optional<std::string> {
          const auto found = variables_.find(name);
          return found == variables_.end() ? std::nullopt : std::optional(found->second);
        },
        [] { return kNowMs; },
        [this](std::chrono::milliseconds pause) {
          pauses_.push_back(pause);
          return waits_left_-- > 0;
        }};
    return run_with(environment, std::move(arguments), std::move(local_commands));
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  Script script_;
  std::map<std::string, std::string> variables_;
  std::istringstream in_;
  bool in_is_terminal_ = false;
  bool in_is_data_ = false;
  bool out_is_terminal_ = false;
  bool err_is_terminal_ = false;
  int waits_left_ = 0;
  std::vector<std::chrono::milliseconds> pauses_;  // that were waited for

 private:
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace hearth::cli
