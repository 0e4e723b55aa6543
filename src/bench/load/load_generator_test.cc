// The client against a server of the test's own on loopback, which answers as a script says.
#include "bench/load/load_generator.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "bench/load/open_schedule.h"

namespace hearth::bench {
namespace {

using std::chrono::milliseconds;

constexpr int kNever = 1 << 30;

// What happens to the n-th request of the whole test, counted from 0.
struct Reply {
  std::string bytes;   // empty: none
  int delay_ms = 0;    // before it
  bool close = false;  // behind it
};

std::string ok(const std::string& body = "{}") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// A thread for each connection.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<Reply(int)> script) : script_(std::move(script)) {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    ::listen(listener_.get(), 100);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
    accepting_.join();
    for (auto& thread : serving_) {
      thread.join();
    }
  }

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  // False when the test has ended first.
  bool wait_for(int fd, int timeout_ms) {
    pollfd watched[] = {{stop_.get(), POLLIN, 0}, {fd, POLLIN, 0}};
    return ::poll(watched, fd < 0 ? 1 : 2, timeout_ms) >= 0 && (watched[0].revents & POLLIN) == 0;
  }

  void accept_all() {
    while (wait_for(listener_.get(), kNever)) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      serving_.emplace_back([this, fd] { serve(base::UniqueFd(fd)); });
    }
  }

  void serve(base::UniqueFd socket) {
    std::string got;
    while (wait_for(socket.get(), kNever)) {
      char buffer[4096];
      const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
      if (count <= 0) {
        return;
      }
      got.append(buffer, static_cast<std::size_t>(count));
      if (!got.ends_with("END")) {
        continue;
      }
      const Reply reply = script_(note(got));
      got.clear();
      if (reply.delay_ms > 0 && !wait_for(-1, reply.delay_ms)) {
        return;
      }
      ::send(socket.get(), reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
      if (reply.close) {
        return;
      }
    }
  }

  int note(const std::string& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return static_cast<int>(requests_.size()) - 1;
  }

  const std::function<Reply(int)> script_;
  base::UniqueFd listener_;
  base::UniqueFd stop_{::eventfd(0, EFD_CLOEXEC)};
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::list<std::thread> serving_;
  std::thread accepting_;
};

CallPlan plan_for(std::uint16_t port, std::vector<std::string> requests = {"request END"}) {
  CallPlan plan;
  plan.address = resolve("127.0.0.1", port).value();
  plan.requests = std::move(requests);
  plan.call_timeout = std::chrono::seconds(5);
  return plan;
}

Stretch closed(std::uint32_t callers, milliseconds duration, std::uint64_t max_calls = 0) {
  Stretch stretch;
  stretch.callers = callers;
  stretch.duration = duration;
  stretch.max_calls = max_calls;
  return stretch;
}

const std::atomic<bool> kGoOn{false};

class ListOfCalls final : public CallSink {
 public:
  void on_call(const FinishedCall& call) override {
    requests.push_back(call.request);
    bodies.emplace_back(call.body_begin);
    reasons.emplace_back(call.reason);
    starts.push_back(call.start);
  }
  std::vector<std::uint32_t> requests;
  std::vector<std::string> bodies;
  std::vector<std::string> reasons;
  std::vector<Start> starts;
};

TEST(LoadGenerator, MakesSoManyCallsAndNoMore) {
  ScriptedServer server([](int) { return Reply{ok()}; });
  LoadGenerator load(plan_for(server.port()), kGoOn);
  const LoadCount count = load.run(closed(3, milliseconds(10'000), 20));
  EXPECT_EQ(count.calls, 20U);
  EXPECT_EQ(count.errors, 0U);
  EXPECT_EQ(count.latency.count(), 20U);
  EXPECT_DOUBLE_EQ(count.calls_in_time, 20);
  EXPECT_LT(count.seconds, 5);
  EXPECT_EQ(server.requests().size(), 20U);
  EXPECT_EQ(server.connections(), 3);
}

TEST(LoadGenerator, KeepsConnectionsForTheNextRun) {
  ScriptedServer server([](int) { return Reply{ok()}; });
  LoadGenerator load(plan_for(server.port()), kGoOn);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(load.run(closed(2, milliseconds(5'000), 4)).calls, 4U);
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(LoadGenerator, AStretchEndsByTimeAndItsLastCallsCountInPart) {
  ScriptedServer server([](int) { return Reply{ok(), 80}; });
  LoadGenerator load(plan_for(server.port()), kGoOn);
  const LoadCount count = load.run(closed(2, milliseconds(200)));
  EXPECT_EQ(count.calls, 6U) << "each caller begins a third call";
  EXPECT_NEAR(count.seconds, 0.2, 0.01);
  EXPECT_GT(count.calls_in_time, 4.0) << "80 + 80 + 40 of 80 ms, for both";
  EXPECT_LT(count.calls_in_time, 5.2);
}

TEST(LoadGenerator, SendsRequestsInTheGivenOrder) {
  ScriptedServer server([](int n) { return Reply{ok(std::to_string(n))}; });
  CallPlan plan = plan_for(server.port(), {"a END", "b END", "c END"});
  plan.order = {2, 0, 1, 1};
  LoadGenerator load(plan, kGoOn);
  ListOfCalls calls;
  (void)load.run(closed(1, milliseconds(5'000), 6), &calls);
  EXPECT_EQ(server.requests(),
            (std::vector<std::string>{"c END", "a END", "b END", "b END", "c END", "a END"}));
  EXPECT_EQ(calls.requests, (std::vector<std::uint32_t>{2, 0, 1, 1, 2, 0}));
  EXPECT_EQ(calls.bodies, (std::vector<std::string>{"0", "1", "2", "3", "4", "5"}));
}

TEST(LoadGenerator, CountsErrorsByReason) {
  const std::string busy = R"({"error":{"code":"no_capacity"}})";
  ScriptedServer server([&](int n) {
    switch (n) {
      case 0:
        return Reply{"HTTP/1.1 503 Busy\r\nContent-Length: " + std::to_string(busy.size()) + "\r\n\r\n" +
                     busy};
      case 1:
        return Reply{"HTTP/1.1 404 None\r\nContent-Length: 0\r\n\r\n"};
      case 2:
        return Reply{"what?\r\n\r\n"};
      case 3:
        return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ncut", 0, true};
      default:
        return Reply{ok()};
    }
  });
  LoadGenerator load(plan_for(server.port()), kGoOn);
  ListOfCalls calls;
  const LoadCount count = load.run(closed(1, milliseconds(5'000), 6), &calls);
  EXPECT_EQ(count.calls, 2U);
  EXPECT_EQ(count.latency.count(), 2U) << "a failed call has no latency";
  EXPECT_EQ(
      count.errors_by_reason,
      (std::map<std::string, std::uint64_t>{
          {"503 no_capacity", 1}, {"HTTP 404", 1}, {"connection closed", 1}, {"no valid HTTP answer", 1}}));
  EXPECT_EQ(calls.reasons.size(), 6U);
}

TEST(LoadGenerator, ReconnectsWhenTheServerClosesAfterEachAnswer) {
  ScriptedServer server([](int) {
    return Reply{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0, true};
  });
  LoadGenerator load(plan_for(server.port()), kGoOn);
  const LoadCount count = load.run(closed(1, milliseconds(5'000), 4));
  EXPECT_EQ(count.calls, 4U);
  EXPECT_EQ(count.errors, 0U);
  EXPECT_EQ(server.connections(), 4);
}

TEST(LoadGenerator, AServerThatIsNotThereEndsInTime) {
  std::uint16_t port = 0;
  {
    port = ScriptedServer([](int) { return Reply{}; }).port();
  }
  LoadGenerator load(plan_for(port), kGoOn);
  const LoadCount count = load.run(closed(2, milliseconds(150)));
  EXPECT_EQ(count.calls, 0U);
  EXPECT_GE(count.errors_by_reason.at("connection refused"), 2U);
  EXPECT_NEAR(count.seconds, 0.15, 0.05);
}

TEST(LoadGenerator, ACallWithoutAnAnswerFailsInTime) {
  ScriptedServer server([](int) { return Reply{"", kNever}; });
  CallPlan plan = plan_for(server.port());
  plan.call_timeout = milliseconds(60);
  LoadGenerator load(plan, kGoOn);
  const LoadCount count = load.run(closed(1, milliseconds(100)));
  EXPECT_EQ(count.calls, 0U);
  EXPECT_GE(count.errors_by_reason.at("no answer in time"), 1U);
}

TEST(LoadGenerator, StopsAtOnceWhenToldTo) {
  std::atomic<bool> stop{false};
  ScriptedServer server([&](int n) {
    stop = n >= 3;
    return n < 3 ? Reply{ok()} : Reply{"", kNever};
  });
  LoadGenerator load(plan_for(server.port()), stop);
  const LoadCount count = load.run(closed(1, std::chrono::hours(1)));
  EXPECT_EQ(count.calls, 3U);
  EXPECT_EQ(count.errors, 0U) << "an abandoned call is no error";
}

TEST(LoadGenerator, TellsColdFromWarm) {
  ScriptedServer server([](int n) {
    return Reply{ok(n == 0 ? R"({"logs":{"name":"execute.cold"}})" : R"({"logs":{"name":"execute.warm"}})")};
  });
  CallPlan plan = plan_for(server.port());
  plan.tells_start = true;
  LoadGenerator load(plan, kGoOn);
  ListOfCalls calls;
  EXPECT_EQ(load.run(closed(1, milliseconds(5'000), 3), &calls).cold, 1U);
  EXPECT_EQ(calls.starts, (std::vector<Start>{Start::kCold, Start::kWarm, Start::kWarm}));
}

TEST(LoadGenerator, SeveralThreadsShareTheCallers) {
  ScriptedServer server([](int) { return Reply{ok()}; });
  LoadGenerator load(plan_for(server.port()), kGoOn, 2);
  ListOfCalls calls;
  const LoadCount count = load.run(closed(5, milliseconds(5'000), 21), &calls);
  EXPECT_EQ(count.calls, 21U);
  EXPECT_EQ(calls.requests.size(), 21U);
  EXPECT_EQ(server.connections(), 5);
}

// The first answer takes 300 ms, the others none. A closed loop sees one slow call; at a rate, everybody
// who came within those 300 ms waited, and the figures must say so.
TEST(LoadGenerator, AnOpenLoopCountsFromWhenACallWasDue) {
  const auto slow_start = [](int n) { return Reply{ok(), n == 0 ? 300 : 0}; };
  ScriptedServer server(slow_start);
  LoadGenerator load(plan_for(server.port()), kGoOn);
  Stretch stretch = closed(1, milliseconds(600));
  stretch.per_second = 200;
  const LoadCount count = load.run(stretch);
  EXPECT_EQ(count.calls, 120U) << "the schedule does not wait for answers";
  EXPECT_NEAR(static_cast<double>(count.latency.quantile_ns(1)) / 1e6, 300, 60);
  // Half of the calls were due within the stall: its middle stands at the quarter from the top.
  EXPECT_GT(static_cast<double>(count.latency.quantile_ns(0.75)) / 1e6, 110);
  EXPECT_LT(static_cast<double>(count.latency.quantile_ns(0.3)) / 1e6, 60);

  ScriptedServer again(slow_start);
  LoadGenerator closed_load(plan_for(again.port()), kGoOn);
  const LoadCount closed_count = closed_load.run(closed(1, milliseconds(600)));
  EXPECT_LT(static_cast<double>(closed_count.latency.quantile_ns(0.75)) / 1e6, 60);
}

TEST(LoadGenerator, CallsThatWereDueAndNeverSentAreErrors) {
  ScriptedServer server([](int) { return Reply{ok(), 100}; });
  LoadGenerator load(plan_for(server.port()), kGoOn);
  Stretch stretch = closed(1, milliseconds(250));
  stretch.per_second = 100;
  const LoadCount count = load.run(stretch);
  EXPECT_LE(count.calls, 3U);
  EXPECT_EQ(count.calls + count.errors, 25U);
  EXPECT_EQ(count.errors_by_reason.at("not sent: no connection was free"), count.errors);
}

TEST(LoadGenerator, CallsAtGivenTimesInTheGivenOrder) {
  ScriptedServer server([](int) { return Reply{ok()}; });
  CallPlan plan = plan_for(server.port(), {"a END", "b END"});
  plan.order = {1, 0, 1};
  const std::vector<std::int64_t> due_ns = {20'000'000, 60'000'000, 61'000'000};
  Stretch stretch = closed(2, milliseconds(150));
  stretch.due_ns = &due_ns;
  LoadGenerator load(plan, kGoOn);
  ListOfCalls calls;
  const LoadCount count = load.run(stretch, &calls);
  EXPECT_EQ(count.calls, 3U) << "and none after the last";
  EXPECT_EQ(count.errors, 0U);
  EXPECT_NEAR(count.seconds, 0.15, 0.01);
  EXPECT_EQ(server.requests(), (std::vector<std::string>{"b END", "a END", "b END"}));
}

TEST(OpenSchedule, KeepsGivenTimesDividedAmongThreads) {
  const std::vector<std::int64_t> times = {5, 7, 11};
  OpenSchedule first(100, times, 0, 2);
  OpenSchedule second(100, times, 1, 2);
  EXPECT_EQ(first.take(), 105);
  EXPECT_EQ(second.take(), 107);
  EXPECT_EQ(first.take(), 111);
  EXPECT_EQ(first.next_ns(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(second.next_ns(), std::numeric_limits<std::int64_t>::max()) << "there are no more";
}

TEST(OpenSchedule, IsSteadyAndDividedAmongThreads) {
  OpenSchedule alone(1'000, 1'000'000, 0, 1);
  OpenSchedule first(1'000, 1'000'000, 0, 2);
  OpenSchedule second(1'000, 1'000'000, 1, 2);
  for (int i = 0; i < 100; ++i) {
    const auto due = alone.take();
    EXPECT_EQ(due, 1'000 + i * 1'000);
    EXPECT_EQ(due, (i % 2 == 0 ? first : second).take());
  }
  EXPECT_EQ(alone.next_ns(), 101'000);
  EXPECT_EQ(alone.next_ns(), 101'000) << "looking does not take";
}

TEST(ClientLimits, AreTold) {
  LoadCount count;
  count.client_cpu = 0.5;
  EXPECT_FALSE(client_limits(count));
  count.client_wait = 0.48;
  EXPECT_TRUE(client_limits(count)) << "it never slept";
  count.client_wait = 0;
  count.client_cpu = 0.9;
  EXPECT_TRUE(client_limits(count));
  count.client_cpu = 0.1;
  count.lag_ns = 50'000'000;
  EXPECT_TRUE(client_limits(count));
}

}  // namespace
}  // namespace hearth::bench
