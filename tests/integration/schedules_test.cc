// Schedules on the real server: each slot is executed once, whoever dies and however many servers there are.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/unix_time.h"
#include "store/postgres/testing/postgres_server.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::postgres::PostgresServer;
using testing::HasSubstr;

constexpr const char* kEcho = "module.exports = (input) => input;";

Reply set(const HearthServer& server, const std::string& path, const std::string& body) {
  return server.put("/functions/" + path, body, "application/json");
}

json::value show(const HearthServer& server, const std::string& path) {
  const Reply reply = server.get("/functions/" + path);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.json();
}

// Of "2026-01-31T12:00:07.123Z", in Unix time.
std::int64_t time_ms(const json::value& text) {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int millisecond = 0;
  EXPECT_EQ(std::sscanf(text.as_string().c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &year, &month, &day, &hour,
                        &minute, &second, &millisecond),
            7)
      << json::serialize(text);
  const auto date = std::chrono::sys_days(std::chrono::year(year) / month / day);
  return std::chrono::sys_time<milliseconds>(date).time_since_epoch().count() +
         ((hour * 60 + minute) * 60 + second) * 1'000 + millisecond;
}

// The slots of each schedule that have an execution, in their order: of the last 1,000 executions.
std::map<std::string, std::vector<std::int64_t>> all_slots(const HearthServer& server) {
  std::map<std::string, std::vector<std::int64_t>> found;
  const Reply reply = server.get("/executions?limit=1000");
  EXPECT_EQ(reply.status, 200) << reply.body;
  const auto page = reply.json();
  for (const auto& each : page.at("executions").as_array()) {
    if (const auto* const schedule = each.as_object().if_contains("schedule")) {
      found[std::string(schedule->as_string())].push_back(time_ms(each.at("slotAt")));
    }
  }
  for (auto& [name, of_one] : found) {
    std::ranges::sort(of_one);
  }
  return found;
}

std::vector<std::int64_t> slots(const HearthServer& server, const std::string& name) {
  return all_slots(server)[name];
}

// Of a schedule that has one each second: none is missing between the first and the last, and none is there
// twice.
void expect_each_once(const std::vector<std::int64_t>& found) {
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_EQ(found[i] - found[i - 1], 1'000) << i;
  }
}

// Until the time of day is later by so much.
void let_pass(milliseconds time) {
  const std::int64_t until = base::unix_now_ms() + time.count();
  EXPECT_TRUE(eventually([until] { return base::unix_now_ms() >= until; }, time + seconds(5)));
}

std::unique_ptr<HearthServer> serve(const std::string& data_dir, std::vector<std::string> more = {}) {
  std::vector<std::string> flags = {"--schedule-grace", "1s"};
  flags.insert(flags.end(), more.begin(), more.end());
  return std::make_unique<HearthServer>(with_flags(flags, data_dir));
}

TEST(Schedules, AFunctionIsExecutedEachSecond) {
  const HearthServer server;
  const std::string id = server.create_js(kEcho, {{"name", "echo"}});
  const Reply made = set(server, "echo/schedules/tick", R"({"every": 1, "input": {"n": 1}})");
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_TRUE(eventually([&] { return slots(server, "tick").size() >= 3; }));
  expect_each_once(slots(server, "tick"));
  const auto schedule = show(server, "echo/schedules/tick");
  EXPECT_EQ(schedule.at("functionId"), json::value(id));
  EXPECT_EQ(schedule.at("missedSlots"), 0);
  EXPECT_GT(time_ms(schedule.at("nextAt")), time_ms(schedule.at("lastAt")));
  const std::string execution(schedule.at("lastExecutionId").as_string());
  json::value done;
  EXPECT_TRUE(eventually([&] {
    done = server.get("/executions/" + execution).json();
    return done.at("state") == "done";
  }));
  EXPECT_EQ(done.at("output"), json::parse(R"({"n": 1})"));
  EXPECT_EQ(done.at("schedule"), "tick");
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("hearth_schedule_slots_executed_total"));
  EXPECT_EQ(set(server, "echo/schedules/tick", R"({"every": 1, "enabled": false})").status, 200);
  EXPECT_TRUE(show(server, "echo/schedules/tick").at("nextAt").is_null());
}

TEST(Schedules, AreShownListedAndRemoved) {
  const HearthServer server(with_flags({"--threads", "2"}));
  server.create_js(kEcho, {{"name", "echo"}});
  server.create_js(kEcho, {{"name", "other"}});
  const auto made =
      set(server, "echo/schedules/daily", R"({"cron": "0 9 * * MON-FRI", "input": [1], "missed": "once"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().at("timeZone"), "UTC");
  EXPECT_EQ(show(server, "echo/schedules/daily"), made.json());
  EXPECT_EQ(set(server, "echo/schedules/rare", R"({"every": 2678400})").status, 201);
  EXPECT_EQ(set(server, "other/schedules/daily", R"({"cron": "@daily"})").status, 201);
  EXPECT_EQ(show(server, "echo/schedules").at("schedules").as_array().size(), 2U);
  const auto first = server.get("/schedules?limit=2").json();
  EXPECT_EQ(first.at("schedules").as_array().size(), 2U);
  const auto rest = server.get("/schedules?after=" + std::string(first.at("after").as_string())).json();
  EXPECT_EQ(rest.at("schedules").as_array().size(), 1U);
  EXPECT_FALSE(rest.as_object().contains("after"));
  EXPECT_EQ(server.del("/functions/echo/schedules/daily").status, 204);
  EXPECT_EQ(server.del("/functions/echo/schedules/daily").status, 404);
  EXPECT_EQ(server.get("/functions/echo/schedules/daily").status, 404);
  EXPECT_EQ(server.del("/functions/echo").status, 204);
  EXPECT_EQ(server.get("/schedules").json().at("schedules").as_array().size(), 1U)
      << "they go with the function";
}

TEST(Schedules, WhatIsWrongIsRefused) {
  const HearthServer server;
  server.create_js(kEcho, {{"name", "echo"}});
  const auto refused = [&](const std::string& path, const std::string& body) {
    const Reply reply = set(server, path, body);
    return fmt::format("{} {}", reply.status, reply.error_code());
  };
  EXPECT_EQ(refused("none/schedules/s", R"({"every": 1})"), "404 not_found");
  EXPECT_EQ(refused("echo/schedules/s", "{"), "400 bad_json");
  EXPECT_EQ(refused("echo/schedules/s", "{}"), "400 bad_request");
  EXPECT_EQ(refused("echo/schedules/1st", R"({"every": 1})"), "400 bad_request");
  EXPECT_EQ(refused("echo/schedules/s", R"({"cron": "0 0 31 2 *"})"), "400 bad_request");
  EXPECT_EQ(refused("echo/schedules/s", R"({"cron": "@daily", "timeZone": "Nowhere"})"), "400 bad_request");
  EXPECT_EQ(refused("echo/schedules/s", R"({"every": 1, "alias": "none"})"), "404 not_found");
  EXPECT_EQ(refused("echo/schedules/s", R"({"every": 1, "version": 2})"), "404 not_found");
  EXPECT_EQ(server.get("/functions/echo/schedules/s").status, 404);
  EXPECT_EQ(server.get("/schedules?limit=101").status, 400);
  EXPECT_EQ(server.get("/schedules?after=x").status, 400);
  EXPECT_EQ(server.post("/functions/echo/schedules", "{}").status, 405);
  EXPECT_THAT(set(server, "echo/schedules/s", R"({"cron": "61 * * * *"})").body,
              HasSubstr("minute: 61 is not from 0 to 59"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(set(server, fmt::format("echo/schedules/s{}", i), R"({"cron": "@yearly"})").status, 201);
  }
  EXPECT_EQ(refused("echo/schedules/more", R"({"cron": "@yearly"})"), "400 bad_request");
}

TEST(Schedules, ATimeZoneIsTheHosts) {
  if (!std::filesystem::exists("/usr/share/zoneinfo/Asia/Kathmandu")) {
    GTEST_SKIP() << "no tzdata";
  }
  const HearthServer server;
  server.create_js(kEcho, {{"name", "echo"}});
  const Reply made =
      set(server, "echo/schedules/s", R"({"cron": "0 0 * * *", "timeZone": "Asia/Kathmandu"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(std::string(made.json().at("nextAt").as_string()), HasSubstr("T18:15:00.000Z"));
}

TEST(Schedules, AnAliasNamesTheVersion) {
  const HearthServer server;
  const std::string id = server.create_js("module.exports = () => 'old';", {{"name", "f"}});
  ASSERT_EQ(server.update_js(id, "module.exports = () => 'new';").status, 200);
  ASSERT_EQ(server.put("/functions/f/aliases/live", R"({"version": 1})", "application/json").status, 200);
  ASSERT_EQ(set(server, "f/schedules/s", R"({"every": 1, "alias": "live"})").status, 201);
  json::value done;
  EXPECT_TRUE(eventually([&] {
    const auto page = server.get("/executions?state=done&function=f").json();
    const auto& found = page.at("executions").as_array();
    done = found.empty() ? json::value()
                         : server.get("/executions/" + std::string(found[0].at("id").as_string())).json();
    return !done.is_null();
  }));
  EXPECT_EQ(done.at("output"), "old");
}

// Each start finds what was due, and nothing of it twice.
TEST(Schedules, AKilledServerLosesNoSlotOfAllAndExecutesNoneTwice) {
  const ScratchFolder folder;
  auto server = serve(folder.path() + "/data");
  server->create_js(kEcho, {{"name", "echo"}});
  ASSERT_EQ(set(*server, "echo/schedules/tick", R"({"every": 1, "missed": "all"})").status, 201);
  for (int i = 0; i < 3; ++i) {
    const std::size_t before = slots(*server, "tick").size();
    ASSERT_TRUE(eventually([&] { return slots(*server, "tick").size() > before; }));
    server->kill();
    let_pass(milliseconds(2'700));
    server = serve(folder.path() + "/data");
  }
  const std::int64_t back_ms = base::unix_now_ms();
  ASSERT_TRUE(eventually([&] { return slots(*server, "tick").back() > back_ms; }));
  const auto found = slots(*server, "tick");
  EXPECT_GE(found.size(), 9U);
  expect_each_once(found);
  EXPECT_EQ(show(*server, "echo/schedules/tick").at("missedSlots"), 0);
}

TEST(Schedules, SlotsThatNobodyExecutedAreSkippedAndCounted) {
  const ScratchFolder folder;
  auto server = serve(folder.path() + "/data");
  server->create_js(kEcho, {{"name", "echo"}});
  ASSERT_EQ(set(*server, "echo/schedules/tick", R"({"every": 1})").status, 201);
  ASSERT_EQ(set(*server, "echo/schedules/once", R"({"every": 1, "missed": "once"})").status, 201);
  ASSERT_TRUE(eventually([&] { return slots(*server, "once").size() >= 2; }));
  server->kill();
  let_pass(milliseconds(5'000));
  server = serve(folder.path() + "/data");
  const std::int64_t back_ms = base::unix_now_ms();
  for (const std::string name : {"tick", "once"}) {
    ASSERT_TRUE(eventually([&] { return slots(*server, name).back() > back_ms; }));
    const auto schedule = show(*server, "echo/schedules/" + name);
    const auto found = slots(*server, name);
    const auto missed = schedule.at("missedSlots").as_int64();
    EXPECT_GE(missed, 3) << name;
    // An execution may have come between the two questions.
    const auto until = std::ranges::upper_bound(found, time_ms(schedule.at("lastAt")));
    EXPECT_EQ((*std::prev(until) - found.front()) / 1'000 + 1, (until - found.begin()) + missed)
        << name << ": each was executed or missed";
    EXPECT_TRUE(std::ranges::adjacent_find(found) == found.end());
  }
}

TEST(Schedules, WhatTheBacklogHasNoRoomForStaysDue) {
  const HearthServer server(with_flags({"--async-function-backlog", "1"}));
  server.create_js("module.exports = () => new Promise((done) => setTimeout(done, 1500));",
                   {{"name", "slow"}});
  ASSERT_EQ(set(server, "slow/schedules/tick", R"({"every": 1})").status, 201);
  EXPECT_TRUE(eventually([&] { return slots(server, "tick").size() >= 4; }, seconds(30)));
  expect_each_once(slots(server, "tick"));
  const std::string metrics = server.get("/metrics").body;
  EXPECT_EQ(metrics.find("hearth_schedule_slots_hindered_total 0\n"), std::string::npos);
  EXPECT_THAT(metrics, HasSubstr("hearth_schedule_slots_missed_total 0\n"));
}

class SharedSchedules : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    url_ = PostgresServer::shared().make_database();
  }
  std::unique_ptr<HearthServer> serve() const {
    HearthServer::Options options;
    options.environment = {"HEARTH_STORE=" + url_};
    return std::make_unique<HearthServer>(options);
  }

  std::string url_;
};

std::size_t executed_by(const HearthServer& server) {
  const std::string metrics = server.get("/metrics").body;
  const std::string name = "\nhearth_schedule_slots_executed_total ";
  const std::size_t at = metrics.find(name);
  return at == std::string::npos ? 0 : std::stoul(metrics.substr(at + name.size()));
}

TEST_F(SharedSchedules, SeveralServersExecuteEachSlotOnce) {
  const auto first = serve();
  auto second = serve();
  first->create_js(kEcho, {{"name", "echo"}});
  const auto third = serve();
  constexpr int kSchedules = 60;
  for (int i = 0; i < kSchedules; ++i) {
    const HearthServer& any = i % 2 == 0 ? *first : *second;
    ASSERT_EQ(set(any, fmt::format("echo/schedules/s{}", i), R"({"every": 1, "missed": "all"})").status, 201);
  }
  const auto has = [&](std::size_t count) {
    return eventually(
        [&] {
          const auto found = all_slots(*first);
          return found.size() == kSchedules && std::ranges::all_of(found, [count](const auto& each) {
                   return each.second.size() >= count;
                 });
        },
        seconds(30));
  };
  EXPECT_TRUE(has(4));
  second->kill();
  EXPECT_TRUE(has(8)) << "the others go on";
  for (const auto& [name, of_one] : all_slots(*first)) {
    expect_each_once(of_one);
  }
}

TEST_F(SharedSchedules, WhatOneServerWasToldTheOtherExecutes) {
  auto first = serve();
  const auto second = serve();
  first->create_js(kEcho, {{"name", "echo"}});
  ASSERT_EQ(set(*first, "echo/schedules/s", R"({"every": 3})").status, 201);
  first->kill();
  EXPECT_TRUE(eventually([&] { return !slots(*second, "s").empty(); }));
  EXPECT_TRUE(eventually([&] { return executed_by(*second) > 0; }));
}

}  // namespace
}  // namespace hearth::test
