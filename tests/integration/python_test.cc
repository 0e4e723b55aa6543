// Functions in Python against the real binary: every way that a call of theirs can end.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

// One server for the tests of a suite: each makes functions of its own.
class Python : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<HearthServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static HearthServer& server() { return *server_; }

  static std::string create(const std::string& index_py, json::object settings = {}) {
    settings["runtime"] = "python";
    return server().create({{"index.py", index_py}}, std::move(settings));
  }

  // A call of a function whose handler has this body ends with this status and code.
  static json::value expect_error(const std::string& body, int status, const std::string& code,
                                  json::object settings = {}) {
    const std::string id = create("def handler(event, context):\n" + body, std::move(settings));
    const Reply reply = server().invoke(id, "1");
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.error_code(), code) << reply.body;
    const json::value answer = reply.json();
    return answer.is_object() && answer.as_object().contains("error") ? answer.at("error") : json::object();
  }

 private:
  static inline std::unique_ptr<HearthServer> server_;
};

TEST_F(Python, ReturnsAndStaysWarm) {
  const std::string id = create(R"(
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return {'echo': event, 'calls': calls, 'memory': context.memory_limit_in_mb,
            'left': context.get_remaining_time_in_millis(), 'id': context.request_id})");
  EXPECT_EQ(server().get("/functions/" + id).json().at("runtime"), "python");
  const Reply cold = server().invoke(id, R"({"a": [1, "ü"]})");
  ASSERT_EQ(cold.status, 200) << cold.body;
  EXPECT_EQ(cold.json().at("output").at("echo").at("a").at(1), "ü");
  EXPECT_EQ(cold.json().at("output").at("memory"), 128);
  EXPECT_EQ(cold.json().at("output").at("id").as_string(), cold.header("X-Hearth-Request-Id"));
  EXPECT_GT(cold.json().at("output").at("left").to_number<int>(), 20'000);
  EXPECT_EQ(server().invoke(id, "{}").json().at("output").at("calls"), 2);
}

TEST_F(Python, FindsHandlersAndModulesInItsCode) {
  const std::string id = server().create(
      {{"lib/app.py", "from parts.greeting import hello\ndef main(name):\n  return hello(name)"},
       {"parts/greeting.py", "def hello(name):\n  return 'hello ' + name"}},
      {{"runtime", "python"}, {"handler", "lib/app.main"}});
  EXPECT_EQ(server().invoke(id, "\"Ada\"").json().at("output"), "hello Ada");
}

TEST_F(Python, HasItsStandardLibrary) {
  const std::string id = create(R"(
import ctypes, decimal, hashlib, lzma, multiprocessing, sqlite3, ssl, subprocess, sys, uuid, zoneinfo
from datetime import datetime
def handler(event, context):
    queue = multiprocessing.SimpleQueue()
    child = multiprocessing.Process(target=queue.put, args=(42,))
    child.start()
    return [sqlite3.connect(':memory:').execute('select 6 * 7').fetchone()[0], queue.get(),
            datetime.fromtimestamp(0, zoneinfo.ZoneInfo('Europe/Rome')).hour,
            subprocess.run([sys.executable, '-c', 'print(7)'], capture_output=True, text=True).stdout])");
  const Reply reply = server().invoke(id);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("output"), (json::array{42, 42, 1, "7\n"}));
}

TEST_F(Python, SeesItsEnvironment) {
  const std::string id = create("import os\ndef handler(event):\n  return os.environ[event]",
                                {{"environment", {{"WHO", "Ada"}}}});
  EXPECT_EQ(server().invoke(id, "\"WHO\"").json().at("output"), "Ada");
  EXPECT_EQ(server().invoke(id, "\"HOME\"").json().at("output"), "/tmp");
}

TEST_F(Python, RaisesAndGoesOn) {
  const std::string id = create(R"(
def handler(event, context):
    if event == 1:
        raise ValueError('on purpose')
    return event)");
  const Reply raised = server().invoke(id, "1");
  EXPECT_EQ(raised.status, 502);
  EXPECT_EQ(raised.error_code(), "function_error");
  const json::value error = raised.json().at("error");
  EXPECT_EQ(error.at("type"), "ValueError");
  EXPECT_EQ(error.at("message"), "on purpose");
  EXPECT_NE(error.at("stack").as_string().find("File \"/code/index.py\", line 4, in handler"),
            std::string::npos)
      << raised.body;
  const Reply next = server().invoke(id, "2");
  EXPECT_EQ(next.json().at("output"), 2);
  EXPECT_EQ(next.header("X-Hearth-Instance"), raised.header("X-Hearth-Instance"));
  EXPECT_EQ(server().invoke(id, "NaN").error_code(), "bad_json");
}

TEST_F(Python, ReturnsWhatJsonCannotHold) {
  expect_error("  return float('nan')\n", 502, "bad_response");
  expect_error("  return {1, 2}\n", 502, "bad_response");
}

TEST_F(Python, TimesOutAlsoWhereItDoesNotWait) {
  expect_error("  import time\n  time.sleep(60)\n", 504, "timeout", {{"timeout", 300}});
  expect_error("  while True:\n    pass\n", 504, "timeout", {{"timeout", 300}});
}

TEST_F(Python, RunsOutOfMemory) {
  expect_error("  kept = []\n  while True:\n    kept.append(bytes(1_000_000))\n", 502, "out_of_memory");
}

TEST_F(Python, Exits) {
  expect_error("  import sys\n  sys.exit(3)\n", 502, "exited");
  expect_error("  import os\n  os._exit(3)\n", 502, "exited");
  expect_error("  import os\n  os.abort()\n", 502, "exited");
}

TEST_F(Python, CannotBeLoaded) {
  const Reply syntax = server().invoke(create("def handler(event:\n"));
  EXPECT_EQ(syntax.error_code(), "init_error");
  EXPECT_EQ(syntax.json().at("error").at("type"), "SyntaxError");
  const Reply missing = server().invoke(create("def other(event):\n  pass\n"));
  EXPECT_EQ(missing.error_code(), "init_error");
  EXPECT_NE(missing.body.find("index.py has no function named handler; it has: other"), std::string::npos)
      << missing.body;
  const Reply module = server().invoke(create("import no_such_module\ndef handler():\n  pass\n"));
  EXPECT_EQ(module.json().at("error").at("type"), "ModuleNotFoundError");
}

TEST_F(Python, IsRefusedWithoutItsFile) {
  const Reply reply =
      server().create_zip(zip_of({{"index.js", "module.exports = () => 1"}}), {{"runtime", "python"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error_code(), "bad_zip");
  EXPECT_NE(reply.body.find("no index.py"), std::string::npos) << reply.body;
}

TEST_F(Python, Logs) {
  const std::string id = create(R"(
import sys
print('loading')
def handler(event, context):
    print('hello', event)
    print('oops', file=sys.stderr))");
  server().invoke(id, "1");
  const std::string request = server().invoke(id, "2").header("X-Hearth-Request-Id");
  const auto entries =
      server().get("/functions/" + id + "/logs?requestId=" + request).json().at("entries").as_array();
  ASSERT_EQ(entries.size(), 1U);
  std::string out;
  std::string err;
  for (const auto& line : entries[0].at("lines").as_array()) {
    (line.at("stream") == "stdout" ? out : err) += line.at("text").as_string();
  }
  EXPECT_EQ(out, "hello 2\n");
  EXPECT_EQ(err, "oops\n");
}

TEST_F(Python, TakesSeveralCallsAtOnceThatAwait) {
  const std::string id = create(R"(
import asyncio
at_once = most = 0
async def handler(event, context):
    global at_once, most
    at_once += 1
    most = max(most, at_once)
    print('begins', event)
    await asyncio.sleep(0.3)
    at_once -= 1
    return {'event': event, 'most': most})",
                                {{"concurrency", 4}});
  ASSERT_EQ(server().invoke(id, "0").status, 200);
  std::vector<Reply> replies(4);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    callers.emplace_back([&, i] { replies[i] = server().invoke(id, std::to_string(i)); });
  }
  for (auto& caller : callers) {
    caller.join();
  }
  std::int64_t most = 0;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    ASSERT_EQ(replies[i].status, 200) << replies[i].body;
    EXPECT_EQ(replies[i].json().at("output").at("event"), static_cast<std::int64_t>(i));
    EXPECT_EQ(replies[i].header("X-Hearth-Instance"), replies[0].header("X-Hearth-Instance"));
    most = std::max(most, replies[i].json().at("output").at("most").as_int64());
    const auto entries =
        server()
            .get("/functions/" + id + "/logs?requestId=" + replies[i].header("X-Hearth-Request-Id"))
            .json()
            .at("entries");
    EXPECT_NE(json::serialize(entries).find("begins " + std::to_string(i)), std::string::npos);
  }
  EXPECT_EQ(most, 4);
}

}  // namespace
}  // namespace hearth::test
