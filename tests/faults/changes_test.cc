// Functions are deployed, rolled back, deleted and created again, and their aliases moved, while they are
// called: synchronously and asynchronously, by name and by alias. No call runs what is older than what was
// acknowledged before it was sent, and none fails but those that ask for what is deleted.
// HEARTH_FAULT_ROUNDS: ten are as many changes as without it (100), HEARTH_FAULT_SEED: in which order.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "store/postgres/testing/postgres_server.h"
#include "tests/faults/change_history.h"
#include "tests/faults/rounds.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::HearthServer;
using test::Reply;
using Clock = ChangeHistory::Clock;

struct Platform {
  const char* name;
  int servers;  // more than one: on one PostgreSQL
  const char* threads;
  std::uint64_t changes;
};

// What is known of a function that one thread changes.
struct Changed {
  std::string name;
  std::map<std::uint32_t, int> codes;  // by version; empty: it is deleted
  std::uint32_t current = 0;
  int incarnation = 0;
};

struct Submission {
  ChangeHistory::Call call;  // its answer is not known yet
  std::string word;
  std::string id;
};

class Changes : public testing::TestWithParam<Platform> {
 protected:
  static constexpr int kFunctions = 3;
  static constexpr int kCallers = 4;

  Changes() : seed_(announced_seed()), generator_(seed_) {}
  ~Changes() override { end_load(); }

  void SetUp() override {
    if (GetParam().servers > 1) {
      if (const std::string reason = store::postgres::PostgresServer::hindrance(); !reason.empty()) {
        GTEST_SKIP() << reason;
      }
      store_ = store::postgres::PostgresServer::shared().make_database();
    }
    for (int i = 0; i < GetParam().servers; ++i) {
      HearthServer::Options options;
      options.flags = {"--threads", GetParam().threads,    "--memory", "4096", "--queue-timeout",
                       "20s",       "--async-concurrency", "4"};
      if (!store_.empty()) {
        options.environment = {"HEARTH_STORE=" + store_};
      }
      servers_.push_back(std::make_unique<HearthServer>(options));
    }
    for (int i = 0; i < kFunctions; ++i) {
      functions_.push_back({fmt::format("f{}", i), {}, 0, 0});
    }
  }

  // --- the one who changes

  std::size_t random_below(std::size_t bound) { return generator_() % bound; }
  const HearthServer& any_server() { return *servers_[random_below(servers_.size())]; }

  std::string new_code() {
    return fmt::format(
        "module.exports = async ({{word, ms}}, context) => {{"
        " if (ms) {{ await new Promise((done) => setTimeout(done, ms)); }}"
        " return word + ' {}.' + context.functionVersion; }}",
        ++code_);
  }
  // What the function says of itself at that version.
  static std::string answer_of(int code, std::uint32_t version) {
    return fmt::format("{}.{}", code, version);
  }
  static std::string live(const Changed& function) { return function.name + "?alias=live"; }

  // One change, which calls of `targets` see as `answer`.
  Reply change(const std::vector<std::string>& targets, const std::string& answer, int status,
               const std::function<Reply()>& ask) {
    note([&] {
      for (const auto& target : targets) {
        history_.asked(target, answer, Clock::now());
      }
    });
    Reply reply = ask();
    EXPECT_EQ(reply.status, status) << answer << ": " << reply.body;
    note([&] {
      for (const auto& target : targets) {
        history_.acknowledged(target, Clock::now());
      }
    });
    return reply;
  }
  void note(const std::function<void()>& what) {
    const std::lock_guard lock(mutex_);
    what();
  }

  void create(Changed& function) {
    const std::string code = new_code();
    change({function.name}, answer_of(code_, 1), 201, [&] {
      return any_server().create_zip(test::zip_of({{"index.js", code}}), {{"name", function.name}});
    });
    function.codes = {{1, code_}};
    function.current = 1;
    ++function.incarnation;
  }
  void deploy(Changed& function) {
    const std::string code = new_code();
    change({function.name}, answer_of(code_, ++function.current), 200,
           [&] { return any_server().update_js(function.name, code); });
    function.codes[function.current] = code_;
  }
  void roll_back(Changed& function) {
    const auto to = static_cast<std::uint32_t>(1 + random_below(function.current - 1));
    const int code = function.codes.at(to);
    change({function.name}, answer_of(code, ++function.current), 200, [&] {
      return any_server().post("/functions/" + function.name + "/rollback",
                               fmt::format(R"({{"version": {}}})", to));
    });
    function.codes[function.current] = code;
  }
  void move_alias(Changed& function) {
    const auto to = static_cast<std::uint32_t>(1 + random_below(function.current));
    change({live(function)}, answer_of(function.codes.at(to), to), 200, [&] {
      return any_server().put("/functions/" + function.name + "/aliases/live",
                              fmt::format(R"({{"version": {}}})", to), "application/json");
    });
  }
  void remove(Changed& function) {
    change({function.name, live(function)}, ChangeHistory::kGone, 204,
           [&] { return any_server().del("/functions/" + function.name); });
    function.codes.clear();
  }
  void change_something() {
    Changed& function = functions_[random_below(functions_.size())];
    const std::size_t what = random_below(100);
    const auto deleted =
        std::ranges::find_if(functions_, [](const Changed& each) { return each.codes.empty(); });
    if (deleted != functions_.end() && what < 60) {
      create(*deleted);
    } else if (function.codes.empty()) {
      create(function);
    } else if (what < 15) {
      remove(function);
    } else if (what < 40) {
      move_alias(function);
    } else if (what < 65 && function.current > 1) {
      roll_back(function);
    } else {
      deploy(function);
    }
  }

  // --- those who call meanwhile

  void begin_load() {
    for (int i = 0; i < kCallers; ++i) {
      threads_.emplace_back([this, i] { call_on(i); });
    }
    threads_.emplace_back([this] { submit_on(kCallers); });
  }
  void end_load() {
    done_ = true;
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }
  // Waits until so many calls more have been answered.
  void wait_for_calls(std::size_t count) {
    const std::size_t before = answered_;
    EXPECT_TRUE(test::eventually([&] { return answered_ >= before + count; }, seconds(30)));
  }

  class Caller {
   public:
    Caller(Changes& test, int number)
        : generator_(test.seed_ + static_cast<std::uint64_t>(number)),
          number_(number),
          client_(test.servers_[static_cast<std::size_t>(number) % test.servers_.size()]->connect()) {}

    // A call of any target, sent now. `mode`: "", or what makes it asynchronous.
    struct Sent {
      ChangeHistory::Call call;
      std::string word;
      base::Result<http::ClientResponse> reply;
    };
    Sent send(const std::string& mode) {
      ChangeHistory::Call call;
      call.target =
          fmt::format("f{}{}", generator_() % kFunctions, generator_() % 3 == 0 ? "?alias=live" : "");
      const std::string word = fmt::format("{}-{}", number_, ++count_);
      const std::size_t query = call.target.find('?');
      const bool has_query = query != std::string::npos;
      const std::string path = "/functions/" + call.target.substr(0, query) + "/invoke?" +
                               (has_query ? call.target.substr(query + 1) + "&" : "") + mode;
      const int ms = generator_() % 10 == 0 ? static_cast<int>(generator_() % 100) : 0;
      call.began = Clock::now();
      auto reply =
          client_->request(http::Method::kPost, path, fmt::format(R"({{"word":"{}","ms":{}}})", word, ms));
      call.ended = Clock::now();
      return {std::move(call), word, std::move(reply)};
    }

   private:
    std::mt19937_64 generator_;
    const int number_;
    int count_ = 0;
    const std::unique_ptr<http::Client> client_;
  };

  // What a reply says behind the caller's word, or that it failed.
  static std::string answer_in(const Reply& reply, const std::string& word) {
    if (reply.status == 404 && reply.error_code() == "not_found") {
      return ChangeHistory::kGone;
    }
    return reply.status == 200 ? behind_word(reply.json().at("output"), word)
                               : fmt::format("{} {}", reply.status, reply.body);
  }
  static std::string behind_word(const json::value& output, const std::string& word) {
    const std::string text = output.is_string() ? std::string(output.as_string()) : json::serialize(output);
    return text.starts_with(word + " ") ? text.substr(word.size() + 1) : "another's: " + text;
  }

  void call_on(int number) {
    Caller caller(*this, number);
    while (!done_) {
      auto [call, word, reply] = caller.send("");
      call.answer = reply ? answer_in({reply->status, reply->body, {}}, word) : reply.error().message;
      note([&] { calls_.push_back(call); });
      ++answered_;
      if (call.answer == ChangeHistory::kGone) {
        std::this_thread::sleep_for(milliseconds(2));
      }
    }
  }
  void submit_on(int number) {
    Caller caller(*this, number);
    while (!done_) {
      auto [call, word, reply] = caller.send("mode=async");
      if (reply && reply->status == 202) {
        const Reply accepted{reply->status, reply->body, {}};
        const std::string id(accepted.json().at("executionId").as_string());
        note([&] { submissions_.push_back({call, word, id}); });
      } else {
        call.answer = reply ? answer_in({reply->status, reply->body, {}}, word) : reply.error().message;
        note([&] { calls_.push_back(call); });
      }
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  // --- what must be true

  void check_calls() const {
    std::size_t served = 0;
    for (const auto& call : calls_) {
      served += call.answer == ChangeHistory::kGone ? 0U : 1U;
      const std::string wrong = history_.violation(call);
      EXPECT_EQ(wrong, "");
    }
    std::cout << calls_.size() << " calls, " << served << " served; " << submissions_.size() << " accepted"
              << std::endl;
    EXPECT_GT(served, 100U);
  }

  bool has_ended(const std::string& id, json::value& last) const {
    last = servers_.front()->get("/executions/" + id).json();
    const auto* const object = last.if_object();
    const auto* const state = object == nullptr ? nullptr : object->if_contains("state");
    return state != nullptr && *state != "pending" && *state != "running";
  }
  void check_submissions() const {
    EXPECT_GT(submissions_.size(), 20U);
    for (const auto& [sent, word, id] : submissions_) {
      json::value execution;
      ASSERT_TRUE(test::eventually([&] { return has_ended(id, execution); }, seconds(30)))
          << json::serialize(execution);
      ChangeHistory::Call call = sent;
      const std::size_t alias = call.target.find('?');
      ASSERT_FALSE(execution.at("state") == "dead" && !execution.as_object().contains("error"))
          << json::serialize(execution);
      if (execution.at("state") == "dead" && execution.at("error").at("code") == "not_found") {
        call.answer = ChangeHistory::kGone;
        call.target = call.target.substr(0, alias);  // its function must be deleted
        EXPECT_EQ(history_.violation_later(call), "") << json::serialize(execution);
        continue;
      }
      ASSERT_EQ(execution.at("state"), "done") << json::serialize(execution);
      ASSERT_TRUE(execution.as_object().contains("output")) << json::serialize(execution);
      call.answer = behind_word(execution.at("output"), word);
      // An alias stands for what it stood for when the call was accepted.
      EXPECT_EQ(alias == std::string::npos ? history_.violation_later(call) : history_.violation(call), "")
          << json::serialize(execution);
    }
  }

  const std::uint64_t seed_;
  std::mt19937_64 generator_;
  std::string store_;
  std::vector<std::unique_ptr<HearthServer>> servers_;
  std::vector<Changed> functions_;
  int code_ = 0;
  std::mutex mutex_;
  ChangeHistory history_;                   // guarded by mutex_ while there is load
  std::vector<ChangeHistory::Call> calls_;  // so are these
  std::vector<Submission> submissions_;
  std::vector<std::thread> threads_;
  std::atomic<std::size_t> answered_ = 0;
  std::atomic<bool> done_ = false;
};

TEST_P(Changes, FailNoCallAndNoneRunsOlderCode) {
  for (Changed& function : functions_) {
    create(function);
    move_alias(function);
  }
  begin_load();
  const auto changes = GetParam().changes * std::max<std::uint64_t>(1, fault_rounds(1) / 10);
  for (std::uint64_t i = 0; i < changes && !HasFailure(); ++i) {
    change_something();
    wait_for_calls(1 + random_below(8));
  }
  end_load();
  check_calls();
  check_submissions();
  for (const auto& server : servers_) {
    EXPECT_TRUE(test::eventually([&] {
      return server->instances({"starting", "running", "removing"}) == 0;
    }));
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Changes,
                         testing::Values(Platform{"AServerWithOneLoop", 1, "1", 100},
                                         Platform{"AServerWithTwoLoops", 1, "2", 100},
                                         Platform{"TwoServersOfOneStore", 2, "1", 40}),
                         [](const auto& about) { return std::string(about.param.name); });

}  // namespace
}  // namespace hearth::faults
