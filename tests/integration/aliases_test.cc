// Aliases of functions on the real server: set, called, switched under load, shared between two versions.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

std::string says(int version) { return "module.exports = () => " + std::to_string(version); }

std::string create_versions(const HearthServer& server, int count) {
  const std::string id = server.create_js(says(1), {{"concurrency", 4}});
  for (int version = 2; version <= count; ++version) {
    EXPECT_EQ(server.update_js(id, says(version)).status, 200);
  }
  return id;
}

Reply set(const HearthServer& server, const std::string& id, const std::string& alias,
          const std::string& body) {
  return server.put("/functions/" + id + "/aliases/" + alias, body, "application/json");
}

std::string with_canary(const std::string& weight) {
  return R"({"version": 1, "canary": {"version": 2, "weight": )" + weight + "}}";
}

std::string invoke_path(const std::string& id, const std::string& alias) {
  return "/functions/" + id + "/invoke?alias=" + alias;
}

// The version that answers a caller who says `sticky`; 0 after a failure.
std::int64_t sticky_call(http::Client& client, const std::string& id, const std::string& sticky) {
  const auto reply = client.request(http::Method::kPost, invoke_path(id, "live"), "1", "application/json",
                                    {{"X-Hearth-Sticky", sticky}});
  if (!reply.ok() || reply->status != 200) {
    return 0;
  }
  return json::parse(reply->body).at("output").as_int64();
}

class Aliases : public testing::Test {
 protected:
  std::string create(int versions) { return create_versions(server_, versions); }
  Reply set(const std::string& id, const std::string& alias, const std::string& body) {
    return test::set(server_, id, alias, body);
  }
  Reply invoke(const std::string& id, const std::string& alias) {
    return server_.post(invoke_path(id, alias), "1");
  }
  json::value output(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 ? reply.json().at("output") : json::value();
  }

  HearthServer server_;
};

TEST_F(Aliases, AreSetShownListedAndRemoved) {
  const std::string id = create(3);
  const Reply made = set(id, "live", R"({"version": 2})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.json().at("version"), 2);
  EXPECT_FALSE(made.json().as_object().contains("weights"));
  const Reply shared = set(id, "beta", R"({"version": 3, "canary": {"version": 1, "weight": 0.125}})");
  EXPECT_EQ(shared.json().at("weights"), (json::value{{"3", 0.875}, {"1", 0.125}}));
  const std::string path = "/functions/" + id + "/aliases";
  EXPECT_EQ(server_.get(path).json().at("aliases"), json::value({shared.json(), made.json()}));
  EXPECT_EQ(server_.get(path + "/live").json(), made.json());
  EXPECT_EQ(server_.get("/functions/" + id).json().at("aliases"), json::value({shared.json(), made.json()}));
  EXPECT_EQ(server_.del(path + "/live").status, 204);
  EXPECT_EQ(server_.get(path + "/live").error_code(), "not_found");
  EXPECT_EQ(server_.del(path + "/live").error_code(), "not_found");
  EXPECT_EQ(invoke(id, "live").error_code(), "not_found");
}

TEST_F(Aliases, StandForTheirVersionWhateverIsCurrent) {
  const std::string id = create(2);
  set(id, "live", R"({"version": 2})");
  const Reply first = invoke(id, "live");
  EXPECT_EQ(output(first), 2);
  EXPECT_EQ(first.header("X-Hearth-Version"), "2");
  EXPECT_EQ(server_.invoke(id).header("X-Hearth-Version"), "");
  EXPECT_EQ(server_.update_js(id, says(3)).status, 200);
  const Reply later = invoke(id, "live");
  EXPECT_EQ(output(later), 2);
  EXPECT_NE(later.body.find("execute.warm"), std::string::npos)
      << "a deploy takes no instance from a version that an alias stands for";
  EXPECT_EQ(output(server_.invoke(id)), 3);
  EXPECT_EQ(server_.post("/functions/" + id + "/rollback", "").json().at("version"), 4);
  EXPECT_EQ(output(invoke(id, "live")), 2);
  EXPECT_EQ(set(id, "live", R"({"version": 1})").status, 200);
  EXPECT_EQ(output(invoke(id, "live")), 1);
}

TEST_F(Aliases, APublishedVersionIsNamedInTheSameStep) {
  const std::string id = create(2);
  const std::string path = "/functions/" + id + "/versions";
  const Reply published = server_.post(path, R"({"alias": "live"})");
  EXPECT_EQ(published.status, 201) << published.body;
  EXPECT_EQ(published.header("Location"), path + "/2");
  EXPECT_EQ(published.json(), server_.get(path + "/2").json());
  EXPECT_EQ(output(invoke(id, "live")), 2);
  EXPECT_EQ(server_.post(path, "").status, 201);
  EXPECT_EQ(server_.post(path, "{").error_code(), "bad_json");
  EXPECT_EQ(server_.post(path, R"({"alias": "1"})").error_code(), "bad_request");
  EXPECT_EQ(server_.get("/functions/" + id).json().at("aliases").as_array().size(), 1U);
}

TEST_F(Aliases, WrongRequestsAreRefused) {
  const std::string id = create(2);
  for (const auto* body : {"[]", "{}", R"({"version": 0})", R"({"version": "1"})",
                           R"({"version": 1, "canary": {"version": 1, "weight": 0.5}})",
                           R"({"version": 1, "canary": {"version": 2, "weight": 1}})",
                           R"({"version": 1, "canary": {"version": 2, "weight": 0.0001}})"}) {
    EXPECT_EQ(set(id, "live", body).error_code(), "bad_request") << body;
  }
  EXPECT_EQ(set(id, "live", "{").error_code(), "bad_json");
  EXPECT_EQ(set(id, "1st", R"({"version": 1})").error_code(), "bad_request");
  EXPECT_EQ(set(id, "live", R"({"version": 3})").error_code(), "not_found");
  EXPECT_EQ(set(id, "live", R"({"version": 1, "canary": {"version": 3, "weight": 0.5}})").error_code(),
            "not_found");
  EXPECT_EQ(set("none", "live", R"({"version": 1})").error_code(), "not_found");
  EXPECT_EQ(server_.post("/functions/" + id + "/aliases/live", "{}").status, 405);
  EXPECT_EQ(invoke(id, "live").error_code(), "not_found");
  EXPECT_EQ(set(id, "live", R"({"version": 1})").status, 200);
  EXPECT_EQ(server_.post(invoke_path(id, "live") + "&version=1", "1").error_code(), "bad_request");
  EXPECT_EQ(sticky_call(*server_.connect(), id, std::string(255, 'x')), 1);
  EXPECT_EQ(sticky_call(*server_.connect(), id, std::string(256, 'x')), 0);
}

TEST_F(Aliases, AFunctionHasFiftyAtMost) {
  const std::string id = create(1);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(set(id, "a" + std::to_string(i), R"({"version": 1})").status, 200);
  }
  const Reply refused = set(id, "more", R"({"version": 1})");
  EXPECT_EQ(refused.error_code(), "bad_request");
  EXPECT_NE(refused.body.find("at most 50"), std::string::npos) << refused.body;
}

TEST_F(Aliases, ACanaryTakesItsShare) {
  const std::string id = create(2);
  EXPECT_EQ(set(id, "live", with_canary("0.2")).status, 200);
  constexpr int kCalls = 1'000;
  int second = 0;
  for (int i = 0; i < kCalls; ++i) {
    const Reply reply = invoke(id, "live");
    const auto version = output(reply);
    second += version == 2 ? 1 : 0;
    ASSERT_EQ(reply.header("X-Hearth-Version"), std::to_string(version.as_int64()));
  }
  EXPECT_NEAR(second, 200, 64) << "five times the deviation";
}

TEST_F(Aliases, TheSameTextStaysWithOneVersionAndAGrowingCanaryGivesNoneBack) {
  const std::string id = create(2);
  const auto client = server_.connect();
  constexpr int kCallers = 100;
  std::vector<std::int64_t> last(kCallers, 1);
  for (const auto* weight : {"0.1", "0.5", "0.9"}) {
    EXPECT_EQ(set(id, "live", with_canary(weight)).status, 200);
    int second = 0;
    for (int caller = 0; caller < kCallers; ++caller) {
      const std::string text = "caller " + std::to_string(caller);
      const auto version = sticky_call(*client, id, text);
      EXPECT_EQ(sticky_call(*client, id, text), version);
      EXPECT_GE(version, last[caller]) << text << " at " << weight;
      last[caller] = version;
      second += version == 2 ? 1 : 0;
    }
    EXPECT_NEAR(second, kCallers * std::stod(weight), 25);
  }
}

TEST_F(Aliases, AreResolvedWhenAnExecutionIsAccepted) {
  const std::string id = create(2);
  set(id, "live", R"({"version": 1})");
  const Reply accepted = server_.post(invoke_path(id, "live") + "&mode=async", "1");
  EXPECT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(accepted.header("X-Hearth-Version"), "1");
  EXPECT_EQ(set(id, "live", R"({"version": 2})").status, 200);
  const std::string path = accepted.header("Location");
  EXPECT_TRUE(eventually([&] { return server_.get(path).json().at("state") == "done"; }));
  EXPECT_EQ(server_.get(path).json().at("output"), 1);
  EXPECT_EQ(server_.post(invoke_path(id, "none") + "&mode=async", "1").error_code(), "not_found");
}

// No call fails, and none that begins after a switch was acknowledged executes what the alias named before.
TEST_F(Aliases, ARepeatedSubmissionIsTheSameExecutionThoughThereIsACanary) {
  const std::string id = create(2);
  EXPECT_EQ(set(id, "live", with_canary("0.5")).status, 200);
  const auto client = server_.connect();
  std::string first;
  for (int i = 0; i < 20; ++i) {
    const auto reply = client->request(http::Method::kPost, invoke_path(id, "live") + "&mode=async", "1",
                                       "application/json", {{"Idempotency-Key", "k"}});
    ASSERT_TRUE(reply.ok() && reply->status == 202) << (reply.ok() ? reply->body : "");
    first = first.empty() ? reply->body : first;
    EXPECT_EQ(reply->body, first);
  }
}

TEST_F(Aliases, SwitchingUnderLoadFailsNoCall) {
  const std::string id = create(3);
  EXPECT_EQ(set(id, "live", R"({"version": 1})").status, 200);
  std::atomic<int> acknowledged = 0;  // switches; the version after n of them is 1 + n % 2
  std::atomic<bool> stop = false;
  std::atomic<int> older = 0;
  std::atomic<int> failed = 0;
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const int known = acknowledged;
        const Reply reply = invoke(id, "live");
        ++calls;
        failed += reply.status == 200 ? 0 : 1;
        // Unless the next switch has begun meanwhile.
        const bool still = known % 2 == 0 && acknowledged == known;
        older += reply.status == 200 && still && reply.json().at("output") != 1 + known / 2 % 2 ? 1 : 0;
      }
    });
  }
  for (int round = 1; round < 20; ++round) {
    const int before = calls;
    EXPECT_TRUE(eventually([&] { return calls >= before + 6; }));
    ++acknowledged;  // odd: a switch is under way
    EXPECT_EQ(set(id, "live", R"({"version": )" + std::to_string(1 + round % 2) + "}").status, 200);
    ++acknowledged;
  }
  stop = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(older, 0);
}

TEST(AliasesOnSeveralLoops, EveryLoopHasASwitchWhenItIsAcknowledged) {
  HearthServer server(with_flags({"--threads", "2"}));
  const std::string id = create_versions(server, 3);
  for (int round = 0; round < 10; ++round) {
    const int version = 1 + round % 2;
    EXPECT_EQ(set(server, id, "live", R"({"version": )" + std::to_string(version) + "}").status, 200);
    for (int call = 0; call < 4; ++call) {
      const Reply reply = server.post(invoke_path(id, "live"), "1");
      EXPECT_EQ(reply.header("X-Hearth-Version"), std::to_string(version));
    }
  }
}

TEST(AliasesOnDisk, SurviveARestart) {
  const ScratchFolder folder;
  std::string id;
  std::string listed;
  {
    HearthServer server(with_flags({}, folder.path()));
    id = create_versions(server, 2);
    EXPECT_EQ(set(server, id, "live", with_canary("0.25")).status, 200);
    EXPECT_EQ(set(server, id, "old", R"({"version": 1})").status, 200);
    listed = server.get("/functions/" + id + "/aliases").body;
    server.kill();
  }
  HearthServer server(with_flags({}, folder.path()));
  EXPECT_EQ(server.get("/functions/" + id + "/aliases").body, listed);
  EXPECT_EQ(server.post(invoke_path(id, "old"), "1").json().at("output"), 1);
}

}  // namespace
}  // namespace hearth::test
