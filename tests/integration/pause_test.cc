// Idle instances stand still, on the real server.
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// Counts in the background, and answers how far it has come.
constexpr const char* kTicker = R"(
let ticks = 0;
setInterval(() => { ticks++; }, 1);
module.exports = () => ticks;)";

int ticks(HearthServer& server, const std::string& id) {
  const Reply reply = server.invoke(id);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 ? reply.json().at("output").to_number<int>() : -1;
}

void idle_for(milliseconds time) { std::this_thread::sleep_for(time); }

TEST(Pause, BackgroundWorkStandsStill) {
  HearthServer server;
  const std::string id = server.create_js(kTicker);
  const int before = ticks(server, id);
  idle_for(milliseconds(600));
  EXPECT_LT(ticks(server, id) - before, 100) << "it ran on for more than the first moment";
}

TEST(Pause, NotWhereItNeverShould) {
  HearthServer server(with_flags({"--pause-after", "0"}));
  const std::string id = server.create_js(kTicker);
  const int before = ticks(server, id);
  idle_for(milliseconds(600));
  EXPECT_GT(ticks(server, id) - before, 150);
}

TEST(Pause, CallsOneAfterTheOtherFindItAtWork) {
  HearthServer server(with_flags({"--pause-after", "300ms"}));
  const std::string id = server.create_js(kTicker);
  const int before = ticks(server, id);
  for (int i = 0; i < 8; ++i) {
    idle_for(milliseconds(50));
    ticks(server, id);
  }
  EXPECT_GT(ticks(server, id) - before, 100);
}

TEST(Pause, OneThatStandsStillIsRemovedWithItsFunctionAndByAStop) {
  HearthServer server(with_flags({"--prestart", "0"}));
  const std::string first = server.create_js(kTicker);
  const std::string second = server.create_js(kTicker);
  ticks(server, first);
  ticks(server, second);
  idle_for(milliseconds(300));
  EXPECT_EQ(server.del("/functions/" + first).status, 204);
  EXPECT_TRUE(eventually([&] { return server.instances({"idle", "leased", "removing"}) == 1; }));
  EXPECT_EQ(server.stop(), 0);
}

TEST(Pause, OneThatTakesSeveralCallsStandsStillWhenItHasNone) {
  HearthServer server;
  const std::string id = server.create_js(
      "let ticks = 0; setInterval(() => { ticks++; }, 1);"
      "module.exports = async (ms) => { if (ms) { await new Promise(r => setTimeout(r, ms)); } return ticks; "
      "};",
      {{"concurrency", 4}});
  ticks(server, id);
  std::thread longer([&] { EXPECT_GT(server.invoke(id, "400").json().at("output").to_number<int>(), 100); });
  idle_for(milliseconds(100));
  server.invoke(id, "1");
  longer.join();
  const int before = ticks(server, id);
  idle_for(milliseconds(500));
  EXPECT_LT(ticks(server, id) - before, 100);
}

TEST(Pause, PythonToo) {
  HearthServer server;
  const std::string id = server.create({{"index.py",
                                         "import threading, time\nticks = 0\ndef run():\n  global ticks\n  "
                                         "while True:\n    time.sleep(0.001)\n    ticks += "
                                         "1\nthreading.Thread(target=run, daemon=True).start()\ndef "
                                         "handler(event, context):\n  return ticks\n"}},
                                       {{"runtime", "python"}});
  const int before = ticks(server, id);
  idle_for(milliseconds(600));
  EXPECT_LT(ticks(server, id) - before, 100);
}

}  // namespace
}  // namespace hearth::test
