// What a first call costs, side by side in one run with what its runtime costs by itself: booted runtimes
// that wait, none that wait, a hundred functions at once, an instance that stands still, a thousand that do.
// Prints a table.
//
// The bounds are for a machine with nothing else to do. HEARTH_ROUNDS: how often each is measured (100).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/performance/samples.h"
#include "tests/support/hearth_server.h"

extern char** environ;

namespace hearth::test {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

std::string spread(const std::vector<double>& values) {
  return fmt::format("p50 {:.2f} ms, p90 {:.2f}, p99 {:.2f}", median(values), percentile(values, 0.9),
                     percentile(values, 0.99));
}

unsigned cores() { return std::max(1U, std::thread::hardware_concurrency()); }

// A whole run of a program that does nothing.
double run_bare(const std::vector<const char*>& words) {
  std::vector<char*> arguments;
  for (const char* word : words) {
    arguments.push_back(const_cast<char*>(word));
  }
  arguments.push_back(nullptr);
  const auto begin = Clock::now();
  pid_t pid = -1;
  EXPECT_EQ(::posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ), 0);
  ::waitpid(pid, nullptr, 0);
  return ms_since(begin);
}
double run_node() { return run_bare({"/usr/bin/node", "-e", "0"}); }

// Its module loads when the request has come: it answers when that was.
std::string create(const HearthServer& server, const std::string& runtime, int number) {
  if (runtime == "python") {
    return server.create(
        {{"index.py", fmt::format("import time\nloaded = time.time()  # {}\ndef handler(event, "
                                  "context):\n  return loaded\n",
                                  number)}},
        {{"runtime", "python"}});
  }
  return server.create_js(
      fmt::format("const loaded = Date.now();  // {}\nmodule.exports = () => loaded;", number));
}

struct FirstCalls {
  std::vector<double> hearth_ms, bare_ms;
  Steps steps;
  int waiting = 0;  // how many found a runtime that waited
};

void print_steps(const FirstCalls& calls) { row("its steps, medians in ms", "", medians_of(calls.steps)); }

// First calls of new functions, each with a run of the bare runtime beside it.
FirstCalls first_calls(const HearthServer& server, const std::string& runtime,
                       const std::vector<const char*>& bare) {
  FirstCalls calls;
  const auto client = server.connect();
  EXPECT_TRUE(client->request(http::Method::kGet, "/health")) << "it connects";
  for (int i = 0; i < rounds(); ++i) {
    const std::string id = create(server, runtime, i);
    calls.bare_ms.push_back(run_bare(bare));
    std::this_thread::sleep_for(milliseconds(250));  // the next one boots meanwhile
    const auto begin = Clock::now();
    const auto answer = client->request(http::Method::kPost, "/functions/" + id + "/invoke", "{}");
    calls.hearth_ms.push_back(ms_since(begin));
    EXPECT_TRUE(answer && answer->status == 200);
    if (answer) {
      add_steps(json::parse(answer->body).at("logs"), calls.steps);
    }
    calls.waiting += answer && answer->body.find("\"assign\"") != std::string::npos ? 1 : 0;
  }
  return calls;
}

TEST(ColdStart, PrestartedNode) {
  const HearthServer server;
  const auto calls = first_calls(server, "node", {"/usr/bin/node", "-e", "0"});
  const double ratio = median(calls.hearth_ms) / median(calls.bare_ms);
  row("hello on Node, pre-started", "p50 <= 4 ms, p99 <= 15, <= 0.06 x node -e 0",
      fmt::format("{}; node -e 0 {:.1f}: {:.3f}", spread(calls.hearth_ms), median(calls.bare_ms), ratio));
  print_steps(calls);
  EXPECT_EQ(calls.waiting, rounds());
  EXPECT_LE(median(calls.hearth_ms), 4);
  EXPECT_LE(percentile(calls.hearth_ms, 0.99), 15);
  EXPECT_LE(ratio, 0.06);
}

TEST(ColdStart, PrestartedPython) {
  const HearthServer server;
  const auto calls = first_calls(server, "python", {"/usr/bin/python3", "-I", "-S", "-c", "0"});
  row("hello on Python, pre-started", "p50 <= 4 ms",
      fmt::format("{}; python3 -I -S {:.1f}", spread(calls.hearth_ms), median(calls.bare_ms)));
  print_steps(calls);
  EXPECT_EQ(calls.waiting, rounds());
  EXPECT_LE(median(calls.hearth_ms), 4);
}

TEST(ColdStart, NodeWithNothingPrestarted) {
  const HearthServer server(with_flags({"--prestart", "0"}));
  const auto calls = first_calls(server, "node", {"/usr/bin/node", "-e", "0"});
  const double ratio = median(calls.hearth_ms) / median(calls.bare_ms);
  row("hello on Node, nothing pre-started", "<= 1.2 x node -e 0",
      fmt::format("{}; node -e 0 {:.1f}: {:.2f}", spread(calls.hearth_ms), median(calls.bare_ms), ratio));
  print_steps(calls);
  EXPECT_LE(ratio, 1.2);
}

FirstCalls python_with_nothing_prestarted(const std::string& zygote, const std::string& bar) {
  const HearthServer server(with_flags({"--prestart", "0", "--zygote", zygote}));
  auto calls = first_calls(server, "python", {"/usr/bin/python3", "-I", "-S", "-c", "0"});
  row("hello on Python, nothing pre-started, zygote " + zygote, bar,
      fmt::format("{}; python3 -I -S {:.1f}", spread(calls.hearth_ms), median(calls.bare_ms)));
  print_steps(calls);
  return calls;
}

TEST(ColdStart, PythonFromAZygote) {
  EXPECT_LE(median(python_with_nothing_prestarted("on", "<= 7 ms").hearth_ms), 7);
}

TEST(ColdStart, PythonThatBoots) { python_with_nothing_prestarted("off", ""); }

// Starts a second of a hundred new functions that are called at once.
double starts_a_second(const std::string& runtime) {
  constexpr int kFunctions = 100;
  const HearthServer server;
  std::vector<std::string> functions;
  for (int i = 0; i < kFunctions; ++i) {
    functions.push_back(create(server, runtime, i));
  }
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  const auto begin = Clock::now();
  for (const std::string& id : functions) {
    callers.emplace_back([&] { answered += server.invoke(id).status == 200 ? 1 : 0; });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  const double seconds = ms_since(begin) / 1'000;
  EXPECT_EQ(answered, kFunctions);
  return kFunctions / seconds;
}

double bare_starts_a_second() {
  constexpr int kEach = 30;
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (unsigned i = 0; i < cores(); ++i) {
    threads.emplace_back([] {
      for (int run = 0; run < kEach; ++run) {
        run_node();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return kEach * cores() / (ms_since(begin) / 1'000);
}

TEST(ColdStart, AHundredAtOnce) {
  std::vector<double> python;
  std::vector<double> node;
  std::vector<double> bare;
  for (int i = 0; i < 3; ++i) {
    python.push_back(starts_a_second("python"));
    node.push_back(starts_a_second("node"));
    bare.push_back(bare_starts_a_second());
  }
  row("100 Python functions at once", ">= 50 a second and core",
      fmt::format("{:.0f} a second and core", median(python) / cores()));
  row("100 Node functions at once", ">= 0.8 x node -e 0",
      fmt::format("{:.1f} a second, node -e 0 {:.1f}: {:.2f}", median(node), median(bare),
                  median(node) / median(bare)));
  EXPECT_GE(median(node) / median(bare), 0.8);
}

TEST(ColdStart, ACallAfterASecondOfStandingStill) {
  const HearthServer paused;
  const HearthServer running(with_flags({"--pause-after", "0", "--uid-base", "250000"}));
  std::vector<double> paused_us;
  std::vector<double> running_us;
  const auto call = [](http::Client& client, const std::string& id) {
    const auto begin = Clock::now();
    const auto answer = client.request(http::Method::kPost, "/functions/" + id + "/invoke", "{}");
    EXPECT_TRUE(answer && answer->status == 200);
    return ms_since(begin) * 1'000;
  };
  const std::string first = create(paused, "node", 1);
  const std::string second = create(running, "node", 1);
  const auto to_paused = paused.connect();
  const auto to_running = running.connect();
  call(*to_paused, first);
  call(*to_running, second);
  for (int i = 0; i < rounds(); ++i) {
    std::this_thread::sleep_for(milliseconds(500));
    paused_us.push_back(call(*to_paused, first));
    std::this_thread::sleep_for(milliseconds(500));
    running_us.push_back(call(*to_running, second));
  }
  const double more_us = median(paused_us) - median(running_us);
  row("call after 1 s of standing still", "within 150 us of one that did not",
      fmt::format("p50 {:.0f} us against {:.0f}: {:+.0f} us", median(paused_us), median(running_us),
                  more_us));
  EXPECT_LE(more_us, 150);
}

// Process ids of a tree, its root first.
std::vector<pid_t> tree_of(pid_t root) {
  std::vector<pid_t> all{root};
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::istringstream children(read_file(fmt::format("/proc/{0}/task/{0}/children", all[i])));
    for (pid_t child = 0; children >> child;) {
      all.push_back(child);
    }
  }
  return all;
}

double cpu_seconds(const std::vector<pid_t>& processes) {
  double ticks = 0;
  for (const pid_t process : processes) {
    const std::string text = read_file(fmt::format("/proc/{}/stat", process));
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    double user = 0;
    double system = 0;
    for (int i = 0; i < 11; ++i) {
      fields >> skipped;
    }
    fields >> user >> system;
    ticks += user + system;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double pss_mib(pid_t process) {
  std::istringstream lines(read_file(fmt::format("/proc/{}/smaps_rollup", process)));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Pss:")) {
      return std::stod(line.substr(4)) / 1'024;
    }
  }
  return 0;
}

TEST(ColdStart, AThousandThatStandStill) {
  constexpr std::size_t kFunctions = 1'000;
  constexpr std::size_t kSample = 20;
  const HearthServer server(with_flags({"--overcommit", "8", "--prestart", "0"}));
  std::vector<std::string> functions;
  for (std::size_t i = 0; i < kFunctions; ++i) {
    functions.push_back(create(server, "node", static_cast<int>(i)));
  }
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (std::size_t part = 0; part < 4; ++part) {
    callers.emplace_back([&, part] {
      for (std::size_t i = part; i < kFunctions; i += 4) {
        answered += server.invoke(functions[i]).status == 200 ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(answered, static_cast<int>(kFunctions));
  EXPECT_EQ(server.instances({"idle", "leased"}), static_cast<std::int64_t>(kFunctions));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const std::vector<pid_t> tree = tree_of(server.pid());
  const double before = cpu_seconds(tree);
  constexpr int kIdleSeconds = 10;
  std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
  const double idle = (cpu_seconds(tree) - before) / kIdleSeconds * 100;
  // Beside as many others: what all processes share is divided by all.
  std::vector<pid_t> bare;
  std::vector<double> ours_mib;
  std::vector<double> bare_mib;
  const char* const words[] = {"/usr/bin/node",
                               "--max-old-space-size=64",
                               "--max-semi-space-size=4",
                               "-e",
                               "setInterval(() => {}, 1e6)",
                               nullptr};
  for (std::size_t i = 0; i < kSample; ++i) {
    bare.emplace_back();
    ASSERT_EQ(::posix_spawn(&bare.back(), words[0], nullptr, nullptr, const_cast<char**>(words), environ), 0);
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));
  for (std::size_t i = 0; i < kSample; ++i) {
    bare_mib.push_back(pss_mib(bare[i]));
    ours_mib.push_back(pss_mib(tree[tree.size() - 1 - i * (kFunctions / kSample)]));
  }
  for (const pid_t process : bare) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  const double own_mib = (pss_mib(tree[0]) + pss_mib(tree[1])) / kFunctions;
  const double more_mib = median(ours_mib) + own_mib - median(bare_mib);
  row("1,000 idle Node instances, --overcommit 8", "< 1 % of a core, <= 1 MiB each above a bare node",
      fmt::format(
          "{:.2f} % of a core; PSS {:.2f} MiB and {:.3f} of server and launcher, bare node {:.2f}: {:+.2f}",
          idle, median(ours_mib), own_mib, median(bare_mib), more_mib));
  EXPECT_LT(idle, 1);
  EXPECT_LE(more_mib, 1);
}

}  // namespace
}  // namespace hearth::test
