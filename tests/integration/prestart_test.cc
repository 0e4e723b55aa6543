// Pre-started instances on the real server: a function that was never called finds a booted runtime.
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;

// Tells what a function sees of itself.
constexpr const char* kMirror = R"(
const crypto = require('crypto'), fs = require('fs'), os = require('os');
module.exports = (command) => {
  if (command === 'fill') {
    const megabyte = Buffer.alloc(1 << 20, 1);
    let written = 0;
    try { for (;;) { fs.appendFileSync('/tmp/fill', megabyte); ++written; } } catch (error) {}
    fs.unlinkSync('/tmp/fill');
    return written;
  }
  if (command > 0) { return Buffer.alloc(command << 20, 1).length; }
  return { environment: process.env, folder: process.cwd(), files: fs.readdirSync('.'), arguments: process.argv,
           pid: process.pid, uid: process.getuid(), random: [Math.random(), crypto.randomUUID()] };
};)";

constexpr const char* kPythonRandom = R"(
import random, uuid
def handler(event, context):
    return [random.random(), str(uuid.uuid4()), hash('a')])";

bool was_waiting(const Reply& reply) { return reply.body.find("\"name\":\"assign\"") != std::string::npos; }

class Prestart : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<HearthServer>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static HearthServer& server() { return *server_; }

  // The first call of a new function that found an instance waiting: those before it may have come too early.
  static Reply first_call(const std::string& code, const std::string& body,
                          const json::object& settings = {}) {
    Reply reply;
    const bool python = settings.contains("runtime");
    EXPECT_TRUE(eventually([&] {
      last_ = server().create({{python ? "index.py" : "index.js", code}}, settings);
      reply = server().invoke(last_, body);
      return reply.status != 200 || was_waiting(reply);
    }));
    return reply;
  }

  static inline std::string last_;  // the function of it

 private:
  static inline std::unique_ptr<HearthServer> server_;
};

TEST_F(Prestart, AFunctionIsAsItWouldHaveBeen) {
  const Reply waiting = first_call(kMirror, "0", {{"environment", {{"WHO", "Ada"}}}});
  ASSERT_EQ(waiting.status, 200) << waiting.body;
  HearthServer plain(with_flags({"--prestart", "0"}));
  const Reply started = plain.invoke(plain.create_js(kMirror, {{"environment", {{"WHO", "Ada"}}}}), "0");
  ASSERT_FALSE(was_waiting(started)) << started.body;
  for (const auto* field : {"environment", "folder", "files", "arguments", "pid"}) {
    EXPECT_EQ(waiting.json().at("output").at(field), started.json().at("output").at(field)) << field;
  }
  const Reply warm = server().invoke(last_, "0");
  EXPECT_EQ(warm.header("X-Hearth-Instance"), waiting.header("X-Hearth-Instance"));
}

TEST_F(Prestart, ItsMemoryIsTheFunctions) {
  ASSERT_EQ(first_call(kMirror, "70").status, 200) << "more than it had while it waited";
  ASSERT_EQ(first_call(kMirror, "0").status, 200);
  EXPECT_EQ(server().invoke(last_, "200").error_code(), "out_of_memory");
  ASSERT_EQ(first_call(kMirror, "200", {{"memorySize", 256}}).status, 200);
  ASSERT_EQ(first_call(kMirror, "\"fill\"", {{"memorySize", 256}}).json().at("output"), 128)
      << "half of it is /tmp's";
}

TEST_F(Prestart, TwoNeverRepeat) {
  std::multiset<std::string> seen;
  const auto add = [&seen](const json::value& values) {
    for (const auto& value : values.as_array()) {
      seen.insert(json::serialize(value));
    }
  };
  for (int i = 0; i < 5; ++i) {
    add(first_call(kMirror, "0").json().at("output").at("random"));
    add(first_call(kPythonRandom, "0", {{"runtime", "python"}}).json().at("output"));
  }
  EXPECT_EQ(seen.size(), 25U);
  for (const auto& value : seen) {
    EXPECT_EQ(seen.count(value), 1U) << value;
  }
}

TEST_F(Prestart, WhatCannotBeLoadedSaysSo) {
  const Reply broken = first_call("module.exports = 3;", "0");
  EXPECT_EQ(broken.error_code(), "init_error") << broken.body;
}

TEST_F(Prestart, ManyAtOnceAreAllAnswered) {
  std::vector<std::string> functions;
  for (int i = 0; i < 12; ++i) {
    functions.push_back(server().create_js("module.exports = () => " + std::to_string(i)));
  }
  std::vector<int> outputs(functions.size(), -1);
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    callers.emplace_back([&, i] {
      const Reply reply = server().invoke(functions[i]);
      outputs[i] = reply.status == 200 ? reply.json().at("output").to_number<int>() : -1;
    });
  }
  for (auto& caller : callers) {
    caller.join();
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(outputs[i], static_cast<int>(i));
  }
}

TEST(PrestartBounds, NoneAreStartedWhereNoneMayBe) {
  HearthServer none(with_flags({"--prestart", "0"}));
  EXPECT_EQ(none.instances("prestarted"), 0);
  EXPECT_FALSE(was_waiting(none.invoke(none.create_js("module.exports = () => 1"))));
  EXPECT_EQ(none.instances("prestarted"), 0);
}

TEST(PrestartBounds, NeverTheLastRoomOfTheLargestFunction) {
  HearthServer small(with_flags({"--memory", "1024"}));
  EXPECT_EQ(small.invoke(small.create_js("module.exports = () => 1", {{"memorySize", 1024}})).status, 200);
  EXPECT_EQ(small.instances("prestarted"), 0);
}

// The one that waits gives way to a call.
TEST(PrestartBounds, ACallTakesTheirMemory) {
  HearthServer server(with_flags({"--memory", "1120"}));
  EXPECT_TRUE(server.wait_for_instances("prestarted", 1));
  const std::string large = server.create_js("module.exports = () => 1", {{"memorySize", 1024}});
  const std::string small = server.create_js("module.exports = () => 2");
  EXPECT_EQ(server.invoke(large).status, 200);
  EXPECT_EQ(server.invoke(small).status, 200);
}

TEST(PrestartBounds, AStopRemovesThem) {
  HearthServer server;
  ASSERT_TRUE(server.wait_for_instances("prestarted", 2));
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace hearth::test
