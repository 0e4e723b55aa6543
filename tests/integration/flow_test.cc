// The original prototype's flow against the real binary, and what callers see on the way.
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>

#include "base/base64.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

// One server for the tests of a suite: each makes functions of its own.
class Flow : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<HearthServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static HearthServer& server() { return *server_; }

 private:
  static inline std::unique_ptr<HearthServer> server_;
};

constexpr const char* kEcho =
    "module.exports = function (input) { return { echo: input, count: ++n }; }; let n = 0;";

TEST_F(Flow, CreateInvokeListDeleteAsTheOriginalPrototypesClientsDo) {
  json::object upload{{"displayName", "echo"},
                      {"memorySize", 512},
                      {"zipFile", base::base64_encode(zip_of({{"index.js", kEcho}}))}};
  const Reply created = server().post("/functions", json::serialize(upload));
  ASSERT_EQ(created.status, 201) << created.body;
  const std::string id(created.json().at("id").as_string());
  EXPECT_EQ(created.header("Location"), server().endpoint() + "/functions/" + id);
  EXPECT_EQ(created.json().at("memorySize"), 512);
  EXPECT_FALSE(created.json().at("blobUri").as_string().empty());

  const Reply cold = server().invoke(id, R"({"a": [1, "x"]})");
  ASSERT_EQ(cold.status, 200) << cold.body;
  EXPECT_EQ(cold.json().at("output").at("echo").at("a").at(1), "x");
  EXPECT_EQ(cold.json().at("output").at("count"), 1);
  EXPECT_TRUE(cold.json().at("logs").at("duration").is_number());
  EXPECT_EQ(cold.json().at("logs").at("subLogs").at(1).at("name"), "execute.cold");

  const Reply warm = server().invoke(id, "{}");
  EXPECT_EQ(warm.json().at("output").at("count"), 2) << "the same instance answers";
  EXPECT_EQ(warm.json().at("logs").at("subLogs").at(1).at("name"), "execute.warm");

  bool listed = false;
  const json::value functions = server().get("/functions").json();
  for (const auto& function : functions.as_array()) {
    listed = listed || function.at("id") == json::value(id);
  }
  EXPECT_TRUE(listed);
  EXPECT_EQ(server().get("/functions/" + id).json().at("displayName"), "echo");

  EXPECT_EQ(server().del("/functions/" + id).status, 204);
  EXPECT_EQ(server().get("/functions/" + id).status, 404);
  EXPECT_EQ(server().del("/functions/" + id).status, 404);
  EXPECT_EQ(server().invoke(id).error_code(), "not_found");
}

TEST_F(Flow, ANameIsAsGoodAsTheIdAndUnique) {
  const std::string id = server().create_js(kEcho, {{"name", "named"}});
  EXPECT_EQ(server().get("/functions/named").json().at("id"), json::value(id));
  EXPECT_EQ(server().invoke("named", "1").json().at("output").at("echo"), 1);
  const Reply again = server().create_zip(zip_of({{"index.js", kEcho}}), {{"name", "named"}});
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.error_code(), "conflict");
  EXPECT_EQ(server().del("/functions/named").status, 204);
  EXPECT_EQ(server().create_zip(zip_of({{"index.js", kEcho}}), {{"name", "named"}}).status, 201);
}

TEST_F(Flow, NewCodeIsServedFromTheAnswerOnAndTheIdStays) {
  const std::string id = server().create_js("module.exports = () => 'one';");
  EXPECT_EQ(server().invoke(id).json().at("output"), "one");
  const Reply changed =
      server().put("/functions/" + id + "/code", zip_of({{"index.js", "module.exports = () => 'two';"}}),
                   "application/zip");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.json().at("id"), json::value(id));
  EXPECT_EQ(changed.json().at("version"), 2);
  EXPECT_EQ(server().invoke(id).json().at("output"), "two");
  json::object settings{
      {"environment", {{"WHO", "three"}}},
      {"zipFile", base::base64_encode(zip_of({{"index.js", "module.exports = () => process.env.WHO;"}}))}};
  EXPECT_EQ(server().put("/functions/" + id + "/code", json::serialize(settings), "application/json").status,
            200);
  EXPECT_EQ(server().invoke(id).json().at("output"), "three");
}

TEST_F(Flow, LogsOfACallAreFoundByItsRequestId) {
  const std::string id = server().create_js(
      "module.exports = (x) => { console.log('hello', x); console.error('oops'); return x; };");
  server().invoke(id, "1");
  const Reply second = server().invoke(id, "2");
  const std::string request_id = second.header("X-Hearth-Request-Id");
  ASSERT_FALSE(request_id.empty());
  const auto entries =
      server().get("/functions/" + id + "/logs?requestId=" + request_id).json().at("entries").as_array();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].at("instance").as_string(), second.header("X-Hearth-Instance"));
  EXPECT_FALSE(second.header("X-Hearth-Instance").empty());
  std::string out;
  std::string err;
  for (const auto& line : entries[0].at("lines").as_array()) {
    (line.at("stream") == "stdout" ? out : err) += line.at("text").as_string();
  }
  EXPECT_EQ(out, "hello 2\n");
  EXPECT_EQ(err, "oops\n");
  EXPECT_EQ(server().get("/functions/" + id + "/logs").json().at("entries").as_array().size(), 2U);
}

TEST_F(Flow, TheContextSaysWhatTheHandlerMayKnow) {
  const std::string id = server().create_js(
      "module.exports = (input, context) => ({ id: context.requestId, name: context.functionName, version: "
      "context.functionVersion, memory: context.memoryLimitInMB, left: context.getRemainingTimeInMillis() "
      "});",
      {{"name", "context"}, {"timeout", 5'000}, {"memorySize", 256}});
  const Reply reply = server().invoke(id);
  const auto output = reply.json().at("output");
  EXPECT_EQ(output.at("id"), json::value(reply.header("X-Hearth-Request-Id")));
  EXPECT_EQ(output.at("name"), "context");
  EXPECT_EQ(json::serialize(output.at("version")).find('1') != std::string::npos, true);
  EXPECT_EQ(output.at("memory").to_number<int>(), 256);
  EXPECT_LE(output.at("left").to_number<double>(), 5'000);
  EXPECT_GT(output.at("left").to_number<double>(), 4'000);
}

TEST_F(Flow, MethodsTypesAndRoutesAreHeldTo) {
  const std::string id = server().create_js(kEcho);
  const auto client = server().connect();
  const auto put = client->request(http::Method::kPut, "/functions/" + id);
  ASSERT_TRUE(put);
  EXPECT_EQ(put->status, 405);
  EXPECT_EQ(put->header("Allow"), "GET, HEAD, PATCH, DELETE");
  EXPECT_EQ(server().get("/functions/" + id + "/invoke").error_code(), "method_not_allowed");
  EXPECT_EQ(server().post("/functions/" + id + "/invoke", "1", "text/plain").error_code(),
            "unsupported_media_type");
  EXPECT_EQ(server().post("/functions", "x", "application/zip").status, 415);
  EXPECT_EQ(server().get("/nothing").error_code(), "not_found");
  EXPECT_EQ(server().invoke("nobody").status, 404);
  const auto head = client->request(http::Method::kHead, "/functions/" + id);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_TRUE(head->body.empty());
}

TEST_F(Flow, HealthAndMetricsTellTheState) {
  const std::string id = server().create_js(kEcho);
  server().invoke(id);
  const auto health = server().health();
  EXPECT_EQ(health.at("status"), "ok");
  EXPECT_GT(health.at("memory").at("totalMb").to_number<int>(), 0);
  const Reply metrics = server().get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("hearth_invocations_total{outcome=\"returned\"}"), std::string::npos);
  EXPECT_NE(metrics.body.find("hearth_memory_bytes{state=\"free\"}"), std::string::npos);
}

}  // namespace
}  // namespace hearth::test
