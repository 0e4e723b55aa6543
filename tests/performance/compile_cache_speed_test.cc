// What the compile cache of a version saves, side by side in one run with a server that has none: with booted
// runtimes that wait, and with none. Prints a table.
//
// The large module is lodash as npm has it, where a registry answers, else one made of as many bytes. The
// bounds are for a machine with nothing else to do. HEARTH_ROUNDS: how often each is measured (100).
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/performance/samples.h"
#include "tests/support/hearth_server.h"
#include "tests/support/npm_sized_code.h"

namespace hearth::test {
namespace {

namespace json = boost::json;
using Files = std::map<std::string, std::string>;
using std::chrono::milliseconds;

constexpr std::size_t kLargeBytes = 540'000;

// lodash.js, or nothing where npm does not get it.
std::string lodash() {
  const ScratchFolder folder;
  const std::string script =
      "cd " + folder.path() + " && timeout 30 npm pack lodash >/dev/null 2>&1 && tar xzf lodash-*.tgz";
  if (run_program({"/bin/sh", "-c", script}).exit_code != 0) {
    return "";
  }
  return read_file(folder.path() + "/package/lodash.js");
}

Files hello() { return {{"index.js", "const loaded = Date.now();\nmodule.exports = () => loaded;\n"}}; }

Files with_a_large_module() {
  static const std::string source = lodash();
  std::cout << (source.empty() ? "the large module is made" : "the large module is lodash") << std::endl;
  const std::string index =
      source.empty() ? "const large = require('./large.js');\nmodule.exports = () => large.loaded;\n"
                     : "const _ = require('./large.js');\n"
                       "module.exports = () => [_.camelCase('a b'), _.sum(_.map([1, 2], (x) => x * 2))];\n";
  return {{"index.js", index}, {"large.js", source.empty() ? large_module(kLargeBytes) : source}};
}

struct Measured {
  std::vector<double> ms;
  Steps steps;
};

// A server, a function, and starts of that function, each when nothing of the one before is left.
class Starts {
 public:
  Starts(std::vector<std::string> flags, const Files& files, bool waits)
      : server_(with_flags(std::move(flags))),
        id_(server_.create(files)),
        waits_(waits),
        client_(server_.connect()) {
    start();  // what is compiled in it is for all that follow
  }

  void measure(Measured& measured) {
    const auto begin = Clock::now();
    const auto answer = client_->request(http::Method::kPost, "/functions/" + id_ + "/invoke", "null");
    measured.ms.push_back(ms_since(begin));
    ASSERT_TRUE(answer && answer->status == 200);
    add_steps(json::parse(answer->body).at("logs"), measured.steps);
    ASSERT_EQ(answer->body.find("\"assign\"") != std::string::npos, waits_);
    settle();
  }

 private:
  void start() {
    settle();
    Measured first;
    measure(first);
  }
  // Nothing lives but runtimes that wait.
  void settle() {
    EXPECT_TRUE(eventually([this] {
      return server_.instances({"starting", "idle", "leased", "running", "resuming", "removing"}) == 0 &&
             (!waits_ || server_.instances("prestarted") >= 1);
    }));
    std::this_thread::sleep_for(milliseconds(150));  // one that is being started too
  }

  HearthServer server_;
  const std::string id_;
  const bool waits_;
  std::unique_ptr<http::Client> client_;
};

struct Pair {
  Measured without, with_it;

  double ratio() const { return median(with_it.ms) / median(without.ms); }
};

Pair measure(const Files& files, bool waits) {
  std::vector<std::string> flags = {"--keep-alive", "150ms", "--memory", "2048"};
  if (!waits) {
    flags.insert(flags.end(), {"--prestart", "0"});
  }
  auto none = flags;
  none.insert(none.end(), {"--compile-cache-bytes", "0", "--uid-base", "250000"});
  Starts with_it(flags, files, waits);
  Starts without(none, files, waits);
  Pair pair;
  for (int i = 0; i < rounds(); ++i) {
    without.measure(pair.without);
    with_it.measure(pair.with_it);
  }
  return pair;
}

std::string spread(const std::vector<double>& values) {
  return fmt::format("{:.2f} ms ({:.2f}-{:.2f})", median(values), percentile(values, 0.1),
                     percentile(values, 0.9));
}

Pair show(const std::string& what, const std::string& bar, const Files& files, bool waits) {
  Pair pair = measure(files, waits);
  row(what, bar,
      fmt::format("{} with, {} without: {:.2f}", spread(pair.with_it.ms), spread(pair.without.ms),
                  pair.ratio()));
  row("steps with, medians in ms", "", medians_of(pair.with_it.steps));
  row("steps without", "", medians_of(pair.without.steps));
  return pair;
}

TEST(CompileCacheSpeed, ALargeModulePrestarted) {
  const Pair pair = show("one large module, pre-started", "<= 0.65", with_a_large_module(), true);
  EXPECT_LE(pair.ratio(), 0.65);
}

TEST(CompileCacheSpeed, ALargeModuleWithNothingPrestarted) {
  show("one large module, nothing pre-started", "", with_a_large_module(), false);
}

TEST(CompileCacheSpeed, AsLargeAsNpmPrestarted) {
  show("2,000 files, 10 MB, 100 of them loaded, pre-started", "", npm_sized_code(), true);
}

TEST(CompileCacheSpeed, AsLargeAsNpmWithNothingPrestarted) {
  show("2,000 files, 10 MB, 100 of them loaded, nothing pre-started", "", npm_sized_code(), false);
}

// Nothing of it is large enough to have one.
TEST(CompileCacheSpeed, HelloPaysNothing) {
  const Pair pair = show("hello, pre-started", "<= 0.1 ms more", hello(), true);
  EXPECT_LE(median(pair.with_it.ms) - median(pair.without.ms), 0.1);
}

}  // namespace
}  // namespace hearth::test
