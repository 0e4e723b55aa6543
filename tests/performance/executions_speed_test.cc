// How fast asynchronous executions are accepted and done, side by side in one run with synchronous calls, and
// what a backlog does to those. Prints a table. Needs wrk.
//
// The bounds are for a machine with nothing else to do. HEARTH_ROUNDS: how often single calls are measured
// (100).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/performance/samples.h"
#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kPairs = 3;
constexpr int kSeconds = 3;  // of each load
constexpr const char* kNothing = "module.exports = () => 1;";
// When its handler began, in milliseconds with parts.
constexpr const char* kWhen = "module.exports = () => performance.timeOrigin + performance.now();";
constexpr const char* kWaits = "module.exports = () => new Promise((done) => setTimeout(done, 60000));";

struct Loaded {
  double a_second = 0;
  double p99_ms = 0;
};

// POSTs by wrk from one thread. Every answer is 2xx.
Loaded load(const HearthServer& server, const std::string& target, int callers) {
  const ScratchFolder folder;
  const std::string script =
      folder.write("post.lua",
                   "wrk.method = 'POST'\nwrk.body = '{}'\nwrk.headers['Content-Type'] = 'application/json'\n"
                   "done = function(summary, latency) io.write(string.format('RESULT %f %f %d\\n', "
                   "summary.requests * 1e6 / summary.duration, latency:percentile(99) / 1000, "
                   "summary.errors.status + summary.errors.connect + summary.errors.read))\nend\n");
  const auto run = run_program({"wrk", "-t1", fmt::format("-c{}", callers), fmt::format("-d{}s", kSeconds),
                                "-s", script, server.endpoint() + target});
  const std::size_t at = run.output.find("RESULT ");
  EXPECT_NE(at, std::string::npos) << run.output;
  Loaded loaded;
  int errors = -1;
  if (at != std::string::npos) {
    EXPECT_EQ(
        std::sscanf(run.output.c_str() + at, "RESULT %lf %lf %d", &loaded.a_second, &loaded.p99_ms, &errors),
        3);
  }
  EXPECT_EQ(errors, 0) << run.output;
  return loaded;
}

bool has_any(const HearthServer& server, const std::string& state) {
  const Reply reply = server.get("/executions?limit=1&state=" + state);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 && !reply.json().at("executions").as_array().empty();
}

void wait_until_done(const HearthServer& server, seconds bound = seconds(120)) {
  EXPECT_TRUE(eventually([&] { return !has_any(server, "pending") && !has_any(server, "running"); }, bound));
}

std::uint64_t done_count(const HearthServer& server) {
  const std::string text = server.get("/metrics").body;
  const std::string name = "\nhearth_executions_ended_total{state=\"done\"} ";
  const std::size_t at = text.find(name);
  EXPECT_NE(at, std::string::npos);
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size()));
}

TEST(ExecutionsSpeed, AcceptedAndDoneASecond) {
  HearthServer server(with_flags({"--async-retry-delay", "1h"}));
  server.create_js(kNothing, {{"name", "nothing"}});
  server.create_js(kWaits, {{"name", "held"}, {"timeout", 100'000}});
  EXPECT_EQ(server.invoke("nothing").status, 200);
  std::vector<double> accepted;
  std::vector<double> done;
  std::vector<double> synchronous;
  for (int i = 0; i < kPairs; ++i) {
    synchronous.push_back(load(server, "/functions/nothing/invoke", 64).a_second);
    accepted.push_back(load(server, "/functions/held/invoke?mode=async", 64).a_second / synchronous.back());
    const auto begin = Clock::now();
    const std::uint64_t before = done_count(server);
    load(server, "/functions/nothing/invoke?mode=async", 64);
    EXPECT_TRUE(eventually([&, last = before]() mutable {
      const std::uint64_t now = done_count(server);
      return std::exchange(last, now) == now;
    }));
    done.push_back(static_cast<double>(done_count(server) - before) / (ms_since(begin) / 1'000) /
                   synchronous.back());
  }
  row("durable 202s a second, 64 callers, execution held", ">= 1.0 x synchronous",
      fmt::format("{:.2f} of {:.0f} a second", median(accepted), median(synchronous)));
  row("submitted to done a second", ">= 0.4 x", fmt::format("{:.2f}", median(done)));
  EXPECT_GE(median(accepted), 1);
  EXPECT_GE(median(done), 0.4);
  server.kill();  // what is held would hold its stop
}

double unix_now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(ExecutionsSpeed, FromThe202ToTheStart) {
  const HearthServer server;
  server.create_js(kWhen, {{"name", "when"}});
  const auto client = server.connect();
  const auto ask = [&](http::Method method, const std::string& target) {
    const auto reply = client->request(method, target, method == http::Method::kPost ? "{}" : "");
    EXPECT_TRUE(reply && reply->status < 300);
    return reply ? json::parse(reply->body) : json::value();
  };
  ask(http::Method::kPost, "/functions/when/invoke");
  std::vector<double> synchronous;
  std::vector<double> asynchronous;
  for (int i = 0; i < rounds(); ++i) {
    double begin = unix_now_ms();
    synchronous.push_back(ask(http::Method::kPost, "/functions/when/invoke").at("output").as_double() -
                          begin);
    std::this_thread::sleep_for(milliseconds(5));
    begin = unix_now_ms();
    const auto accepted = ask(http::Method::kPost, "/functions/when/invoke?mode=async");
    const std::string id(accepted.at("executionId").as_string());
    json::value execution;
    EXPECT_TRUE(eventually([&] {
      execution = ask(http::Method::kGet, "/executions/" + id);
      return execution.at("state") == "done";
    }));
    asynchronous.push_back(execution.at("output").as_double() - begin);
  }
  const double more = median(asynchronous) - median(synchronous);
  row("submission to start, idle system", "<= 1 ms over a synchronous call",
      fmt::format("{:+.2f} ms ({:.2f} and {:.2f})", more, median(asynchronous), median(synchronous)));
  EXPECT_LE(more, 1);
}

// So many pending ones of a function that does nothing, with the server that has them just started.
std::unique_ptr<HearthServer> with_backlog(const std::string& data_dir, std::uint64_t least) {
  HearthServer::Options options = with_flags({"--async-concurrency", "1"}, data_dir);
  {
    HearthServer server(options);
    if (server.get("/functions/backlog").status == 404) {
      server.create_js(kWaits, {{"name", "backlog"}, {"timeout", 100'000}});
      server.create_js(kNothing, {{"name", "nothing"}});
    } else {
      server.update_js("backlog", kWaits);
    }
    double accepted = 0;
    while (accepted < static_cast<double>(least)) {
      accepted += load(server, "/functions/backlog/invoke?mode=async", 64).a_second * kSeconds;
    }
    server.update_js("backlog", kNothing);
    server.kill();
  }
  options.flags = {};
  return std::make_unique<HearthServer>(options);
}

TEST(ExecutionsSpeed, SynchronousCallsWhileABacklogDrains) {
  const ScratchFolder folder;
  const std::string data = folder.path() + "/data";
  std::vector<double> full;
  {
    const auto begin = Clock::now();
    const auto server = with_backlog(data, 100'000);
    const auto drains = Clock::now();
    row("restart with over 100,000 pending", "serving within 2 s",
        fmt::format("{:.2f} s with what made them", std::chrono::duration<double>(drains - begin).count()));
    wait_until_done(*server);
    full.push_back(static_cast<double>(done_count(*server)) / (ms_since(drains) / 1'000));
  }
  std::vector<double> during;
  std::vector<double> without;
  std::vector<double> rates;
  for (int i = 0; i < kPairs; ++i) {
    const auto server = with_backlog(data, 100'000);
    load(*server, "/functions/nothing/invoke", 4);  // both have their instances then
    const std::uint64_t before = done_count(*server);
    during.push_back(load(*server, "/functions/nothing/invoke", 4).p99_ms);
    rates.push_back(static_cast<double>(done_count(*server) - before) / kSeconds);
    EXPECT_TRUE(has_any(*server, "pending")) << "it drained all the time";
    wait_until_done(*server);
    without.push_back(load(*server, "/functions/nothing/invoke", 4).p99_ms);
  }
  const double ratio = median(during) / median(without);
  const double drained = median(rates) / full.front();
  row("synchronous p99 of 4 callers while a backlog drains", "<= 1.5 x without",
      fmt::format("{:.2f} ms ({:.2f}) and {:.2f} ({:.2f}): {:.2f}", median(during), fmt::join(during, ", "),
                  median(without), fmt::join(without, ", "), ratio));
  row("drained meanwhile", ">= 0.25 x the full rate",
      fmt::format("{:.0f} of {:.0f} a second: {:.2f}", median(rates), full.front(), drained));
  EXPECT_LE(ratio, 1.5);
  EXPECT_GE(drained, 0.25);
}

TEST(ExecutionsSpeed, ARestartWithTenThousandPending) {
  const ScratchFolder folder;
  const std::string data = folder.path() + "/data";
  with_backlog(data, 10'000)->kill();
  const auto begin = Clock::now();
  const HearthServer server(with_flags({}, data));
  const double ms = ms_since(begin);
  row("restart with over 10,000 pending", "serving within 2 s", fmt::format("{:.0f} ms", ms));
  EXPECT_LE(ms, 2'000);
  wait_until_done(server);
}

}  // namespace
}  // namespace hearth::test
