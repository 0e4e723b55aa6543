// What goes wrong, each with its status and its error code, and the next call served.
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <string>

#include "base/base64.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

class WrongInput : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<HearthServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static HearthServer& server() { return *server_; }

  // The call fails with this code and status; `{"ok": true}` to the same function is answered after it.
  static void expect_failure(const std::string& id, std::string_view body, int status,
                             const std::string& code) {
    const Reply failed = server().invoke(id, body);
    EXPECT_EQ(failed.status, status) << failed.body;
    EXPECT_EQ(failed.error_code(), code) << failed.body;
    const Reply next = server().invoke(id, R"({"ok": true})");
    EXPECT_EQ(next.status, 200) << next.body;
  }
  static std::string bad(std::string_view js, json::object settings = {}) {
    return server().create_js(
        "module.exports = async (input) => { if (input && input.ok) return 1; " + std::string(js) + " };",
        std::move(settings));
  }

 private:
  static inline std::unique_ptr<HearthServer> server_;
};

TEST_F(WrongInput, AHandlerThatThrows) {
  const std::string id = bad("throw new TypeError('no such order');");
  const Reply reply = server().invoke(id);
  EXPECT_EQ(reply.status, 502);
  const auto error = reply.json().at("error");
  EXPECT_EQ(error.at("code"), "function_error");
  EXPECT_EQ(error.at("type"), "TypeError");
  EXPECT_EQ(error.at("message"), "no such order");
  EXPECT_NE(std::string(error.at("stack").as_string()).find("index.js"), std::string::npos);
  EXPECT_TRUE(reply.json().as_object().contains("logs"));
  expect_failure(id, "1", 502, "function_error");
}

TEST_F(WrongInput, AHandlerThatExits) { expect_failure(bad("process.exit(3);"), "1", 502, "exited"); }

TEST_F(WrongInput, AHandlerThatReturnsWhatJsonCannotHold) {
  expect_failure(bad("return 1n;"), "1", 502, "bad_response");
  expect_failure(bad("const a = {}; a.a = a; return a;"), "1", 502, "bad_response");
}

TEST_F(WrongInput, AHandlerThatNeverReturns) {
  expect_failure(bad("await new Promise(() => setInterval(() => {}, 1000));", {{"timeout", 300}}), "1", 504,
                 "timeout");
}

TEST_F(WrongInput, AHandlerThatBlocksTheLoop) {
  expect_failure(bad("for (;;) {}", {{"timeout", 300}}), "1", 504, "timeout");
}

TEST_F(WrongInput, ATimeoutIsAnsweredWithinATenthOfASecond) {
  const std::string id = bad("for (;;) {}", {{"timeout", 500}});
  server().invoke(id, R"({"ok": true})");
  const auto began = std::chrono::steady_clock::now();
  server().invoke(id);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, std::chrono::milliseconds(500));
  EXPECT_LE(took, std::chrono::milliseconds(600));
}

TEST_F(WrongInput, MemoryOverTheLimit) {
  expect_failure(bad("const a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1));", {{"timeout", 20'000}}), "1",
                 502, "out_of_memory");
}

TEST_F(WrongInput, AHandlerWhoseModuleCannotBeLoaded) {
  const std::string id = server().create_js("module.exports = (");
  const Reply reply = server().invoke(id);
  EXPECT_EQ(reply.status, 502);
  EXPECT_EQ(reply.error_code(), "init_error");
  EXPECT_EQ(reply.json().at("error").at("type"), "SyntaxError");
}

TEST_F(WrongInput, AForkBomb) {
  const std::string id =
      bad("const { spawn } = require('child_process'); for (let i = 0; i < 5000; i++) { try { "
          "spawn(process.execPath, ['-e', "
          "'setInterval(()=>{},1000)']).on('error', () => {}); } catch (e) {} } for (;;) {}",
          {{"timeout", 2'000}});
  const Reply reply = server().invoke(id);
  EXPECT_TRUE(reply.error_code() == "timeout" || reply.error_code() == "out_of_memory") << reply.body;
  EXPECT_EQ(server().invoke(id, R"({"ok": true})").status, 200);
}

TEST_F(WrongInput, AnEndlessLogIsCutWithAMark) {
  const std::string id =
      bad("for (let i = 0; i < 40000; i++) console.log('x'.repeat(100)); return 2;", {{"timeout", 20'000}});
  const Reply reply = server().invoke(id);
  EXPECT_EQ(reply.status, 200) << reply.body;
  const auto entries = server().get("/functions/" + id + "/logs").json().at("entries").as_array();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_TRUE(entries[0].at("truncated").as_bool());
  EXPECT_EQ(server().invoke(id, R"({"ok": true})").status, 200);
}

TEST_F(WrongInput, ATenMegabyteResponse) {
  expect_failure(bad("return 'x'.repeat(10 << 20);"), "1", 502, "response_too_large");
}

TEST_F(WrongInput, ABodyThatIsTooLarge) {
  const std::string id = bad("return input.length;");
  const Reply reply = server().invoke(id, "\"" + std::string(7U << 20U, 'x') + "\"");
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.error_code(), "payload_too_large");
  EXPECT_EQ(server().invoke(id, "\"" + std::string(5U << 20U, 'x') + "\"").json().at("output"), 5 << 20);
}

TEST_F(WrongInput, ABodyThatIsNotJson) { expect_failure(bad("return 1;"), "{\"a\":", 400, "bad_json"); }

TEST_F(WrongInput, AnEmptyBodyIsUndefined) {
  EXPECT_EQ(server().invoke(bad("return typeof input;"), "").json().at("output"), "undefined");
}

TEST_F(WrongInput, ZipsThatAreNone) {
  EXPECT_EQ(server().create_zip("this is no zip").error_code(), "bad_zip");
  const std::string zip = zip_of({{"index.js", "module.exports = () => 1;"}});
  EXPECT_EQ(server().create_zip(zip.substr(0, zip.size() / 2)).error_code(), "bad_zip");
  EXPECT_EQ(server().create_zip(zip_of({{"main.js", "1"}})).error_code(), "bad_zip");
  EXPECT_EQ(server().post("/functions", R"({"zipFile": "!!!"})").error_code(), "bad_request");
  EXPECT_EQ(server().post("/functions", R"({"zipFile": )").error_code(), "bad_json");
  EXPECT_EQ(server().post("/functions", R"({"memorySize": 128})").error_code(), "bad_request");
  EXPECT_EQ(server().create_zip(zip, {{"memorySize", 4'096}}).error_code(), "bad_request");
}

TEST_F(WrongInput, NothingOfARefusedUploadIsLeft) {
  const auto before = server().health().at("functions");
  server().create_zip("this is no zip");
  server().create_zip(std::string(60U << 20U, 'x'));
  EXPECT_EQ(server().health().at("functions"), before);
  EXPECT_EQ(run_program({"find", server().data_dir() + "/tmp", "-type", "f"}).output, "");
}

}  // namespace
}  // namespace hearth::test
