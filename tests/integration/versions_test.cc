// Versions of functions on the real server: past ones listed, called, made current again.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

class Versions : public testing::Test {
 protected:
  static std::string says(int version) {
    return "module.exports = () => [" + std::to_string(version) + ", process.env.WHO]";
  }
  // The function, at its third version.
  std::string create_three() {
    const std::string id = server_.create_js(says(1), {{"environment", {{"WHO", "Ada"}}}});
    EXPECT_EQ(server_.update_js(id, says(2)).status, 200);
    EXPECT_EQ(server_.update_js(id, says(3), {{"memorySize", 256}, {"environment", {{"WHO", "Bob"}}}}).status,
              200);
    return id;
  }
  json::value output(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 ? reply.json().at("output") : json::value();
  }
  Reply invoke(const std::string& id, const std::string& version) {
    return server_.post("/functions/" + id + "/invoke?version=" + version, "1");
  }

  HearthServer server_;
};

TEST_F(Versions, AreListedNewestFirst) {
  const std::string id = create_three();
  const auto list = server_.get("/functions/" + id + "/versions").json();
  const auto& versions = list.at("versions").as_array();
  ASSERT_EQ(versions.size(), 3U);
  EXPECT_EQ(versions[0].at("version"), 3);
  EXPECT_EQ(versions[0].at("current"), true);
  EXPECT_EQ(versions[0].at("memorySize"), 256);
  EXPECT_EQ(versions[2].at("version"), 1);
  EXPECT_EQ(versions[2].at("current"), false);
  EXPECT_EQ(versions[2].at("memorySize"), 128);
  EXPECT_EQ(versions[2].at("environment").at("WHO"), "Ada");
  EXPECT_NE(versions[0].at("codeSha256"), versions[2].at("codeSha256"));
  EXPECT_LE(versions[2].at("createdAt").as_string(), versions[0].at("createdAt").as_string());
  EXPECT_FALSE(list.as_object().contains("before"));
  EXPECT_EQ(server_.get("/functions/" + id + "/versions?before=3").json().at("versions").as_array().size(),
            2U);
  EXPECT_EQ(server_.get("/functions/" + id + "/versions/2").json(), versions[1]);
}

TEST_F(Versions, APastOneIsCalledByItsNumber) {
  const std::string id = create_three();
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(output(invoke(id, "1")), json::value({1, "Ada"}));
    EXPECT_EQ(output(invoke(id, "3")), json::value({3, "Bob"}));
    EXPECT_EQ(output(server_.invoke(id)), json::value({3, "Bob"}));
  }
  EXPECT_NE(invoke(id, "1").body.find("execute.warm"), std::string::npos)
      << "it keeps an instance as any other";
  const std::string by_name = server_.create_js(says(1), {{"name", "named"}});
  EXPECT_EQ(output(invoke("named", "1")).at(0), 1);
}

TEST_F(Versions, SettingsAloneMakeOneToo) {
  const std::string id = server_.create_js(says(1), {{"environment", {{"WHO", "Ada"}}}});
  const Reply patched = server_.patch("/functions/" + id, R"({"environment": {"WHO": "Bob"}})");
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(patched.json().at("version"), 2);
  EXPECT_EQ(output(server_.invoke(id)), json::value({1, "Bob"}));
  EXPECT_EQ(output(invoke(id, "1")), json::value({1, "Ada"}));
}

TEST_F(Versions, RollingBackMakesANewOne) {
  const std::string id = create_three();
  EXPECT_EQ(output(server_.invoke(id)), json::value({3, "Bob"}));
  const Reply back = server_.post("/functions/" + id + "/rollback", "");
  EXPECT_EQ(back.status, 200) << back.body;
  EXPECT_EQ(back.json().at("version"), 4);
  EXPECT_EQ(back.json().at("memorySize"), 128);
  EXPECT_EQ(output(server_.invoke(id)), json::value({2, "Ada"}));
  EXPECT_EQ(server_.post("/functions/" + id + "/rollback", R"({"version": 3})").json().at("version"), 5);
  EXPECT_EQ(output(server_.invoke(id)), json::value({3, "Bob"}));
  EXPECT_EQ(server_.get("/functions/" + id).json().at("memorySize"), 256);
}

TEST_F(Versions, WrongRequestsAreRefused) {
  const std::string id = create_three();
  for (const auto* version : {"", "0", "-1", "x", "1x", "4294967296"}) {
    EXPECT_EQ(invoke(id, version).error_code(), "bad_request") << version;
  }
  EXPECT_EQ(invoke(id, "4").error_code(), "not_found");
  EXPECT_NE(invoke(id, "4").body.find("the current one is 3"), std::string::npos);
  EXPECT_EQ(server_.get("/functions/" + id + "/versions/4").error_code(), "not_found");
  EXPECT_EQ(server_.get("/functions/" + id + "/versions?before=0").error_code(), "bad_request");
  EXPECT_EQ(server_.get("/functions/none/versions").error_code(), "not_found");
  const std::string rollback = "/functions/" + id + "/rollback";
  EXPECT_EQ(server_.post(rollback, "{").error_code(), "bad_json");
  EXPECT_EQ(server_.post(rollback, R"({"version": "1"})").error_code(), "bad_request");
  EXPECT_EQ(server_.post(rollback, R"({"version": 3})").error_code(), "bad_request");
  EXPECT_EQ(server_.post(rollback, R"({"version": 9})").error_code(), "not_found");
  EXPECT_EQ(server_.get(rollback).status, 405);
  EXPECT_EQ(server_.post("/functions/" + server_.create_js(says(1)) + "/rollback", "").error_code(),
            "bad_request");
  EXPECT_EQ(server_.get("/functions/" + id).json().at("version"), 3);
}

TEST_F(Versions, GoWithTheirFunction) {
  const std::string id = create_three();
  EXPECT_EQ(output(invoke(id, "1")).at(0), 1);
  EXPECT_EQ(output(server_.invoke(id)).at(0), 3);
  EXPECT_EQ(server_.del("/functions/" + id).status, 204);
  EXPECT_EQ(invoke(id, "1").error_code(), "not_found");
  EXPECT_TRUE(eventually([&] { return server_.instances({"idle", "leased", "running", "removing"}) == 0; }));
}

// None older than what was acknowledged, none refused.
TEST_F(Versions, RollingBackUnderLoadFailsNoCall) {
  const std::string id = server_.create_js("module.exports = () => 0");
  std::atomic<int> acknowledged = 0;
  std::atomic<bool> stop = false;
  std::atomic<int> older = 0;
  std::atomic<int> failed = 0;
  std::atomic<int> calls = 0;
  EXPECT_EQ(server_.update_js(id, "module.exports = () => 1").status, 200);
  acknowledged = 1;
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const int known = acknowledged;
        const Reply reply = server_.invoke(id);
        ++calls;
        failed += reply.status == 200 ? 0 : 1;
        // Versions say 0 and 1 in turn: what was acknowledged before the call is what it says, or a later
        // one.
        const int now = acknowledged;
        older += reply.status == 200 && known == now && reply.json().at("output") != known % 2 ? 1 : 0;
      }
    });
  }
  for (int round = 2; round < 20; ++round) {
    EXPECT_EQ(server_.post("/functions/" + id + "/rollback", "").status, 200);
    acknowledged = round;
    const int before = calls;
    EXPECT_TRUE(eventually([&] { return calls >= before + 6; }));
  }
  stop = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(older, 0);
}

}  // namespace
}  // namespace hearth::test
