// Who may include whom: the parts of src/ and the edges between them. A new part or edge is a line in
// the tables below, and a decision. apps/ composes: it includes what it likes but test code.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "source_file.h"

namespace hearth::structure {
namespace {

// A part may include itself and these. An entry that names a header allows that header alone.
const std::map<std::string, std::set<std::string>> kPartEdges = {
    {"base", {}},
    {"model", {"base"}},
    {"schedule", {"model", "base"}},
    {"archive", {"base"}},
    {"trace", {"base"}},
    {"http", {"base"}},
    {"store", {"model", "base"}},
    {"messaging", {"model", "base"}},
    {"membership", {"messaging", "model", "base"}},
    {"sandbox", {"model", "base"}},
    {"cluster", {"model", "base"}},
    {"link", {"model", "base"}},
    {"launcher", {"sandbox", "base"}},
    {"worker", {"sandbox", "messaging", "store/code_store.h", "archive", "cluster", "http", "model", "base"}},
    {"dispatch", {"messaging", "link", "model", "base"}},
    {"webhook", {"base"}},
    {"gateway", {"dispatch", "membership", "schedule", "store", "archive", "http", "model", "base"}},
    {"monitor",
     {"dispatch", "membership", "messaging", "gateway/answer.h", "schedule", "store", "webhook", "http",
      "model", "base"}},
    {"cli", {"archive", "http", "model", "base"}},
    {"sim",
     {"dispatch", "worker/worker.h", "worker/instance.h", "worker/keep_alive.h", "trace", "messaging", "link",
      "model", "base"}},
    {"bench", {"cli", "archive", "trace", "http", "model", "base"}},
};

// Adapters stand in a folder of their port's and may include it, itself and these. Only apps/ includes
// them, and tests of parts that use the port.
const std::map<std::string, std::set<std::string>> kAdapterEdges = {
    {"store/sqlite", {"model", "base"}},
    {"store/postgres", {"model", "base"}},
    {"messaging/inproc", {"model", "base"}},
    {"messaging/redis", {"model", "base"}},
    {"sandbox/linux", {"model", "base"}},
    {"sandbox/fake", {"model", "base"}},
    {"link/inproc", {"model", "base"}},
    {"link/http", {"cluster", "http", "model", "base"}},
    {"messaging/crossloop", {"model", "base"}},
    {"link/crossloop", {"model", "base"}},
    {"webhook/curl", {"base"}},
};

// Tests of these may include what stands at the other end too.
const std::map<std::string, std::set<std::string>> kTestEdges = {
    {"link/http", {"worker", "messaging"}},
    {"webhook/curl", {"http"}},
};

// For tests and simulation: production code runs on the real clock.
const std::string kTestLoop = "base/manual_event_loop.h";

std::string first_folders(const std::string& path, int count) {
  std::size_t end = 0;
  for (int i = 0; i < count && end != std::string::npos; ++i) {
    end = path.find('/', i == 0 ? 0 : end + 1);
  }
  return path.substr(0, end);
}

std::string part_of(const std::string& path) { return first_folders(path, 1); }

// "store/sqlite" for a file of that adapter.
std::optional<std::string> adapter_of(const std::string& path) {
  const std::string folder = first_folders(path, 2);
  return kAdapterEdges.contains(folder) ? std::optional(folder) : std::nullopt;
}

// "store/sqlite" or "store", whichever the file belongs to.
std::string unit_of(const std::string& path) { return adapter_of(path).value_or(part_of(path)); }

bool allowed(const std::set<std::string>& edges, const std::string& target) {
  return edges.contains(part_of(target)) || edges.contains(target);
}

bool is_for_tests(const std::string& target) { return target == kTestLoop || is_test_code("src/" + target); }

// What is wrong with `file` (a path under src/, without it) including `target`; empty: nothing.
std::string judge(const std::string& file, const std::string& target) {
  const std::string unit = unit_of(file);
  const std::string part = part_of(file);
  const bool test = is_test_code("src/" + file);
  if (!kPartEdges.contains(part)) {
    return "the part " + part + " is not in the table of edges";
  }
  if (!kPartEdges.contains(part_of(target))) {
    return "not a path from src/ to a known part";
  }
  if (!test && is_for_tests(target) && part != "sim") {
    return "test code is for tests";
  }
  const auto adapter = adapter_of(target);
  if (adapter == unit) {
    return {};
  }
  if (adapter && !test) {
    return "only apps/ and tests include adapters";
  }
  const bool own = part_of(target) == part;
  const bool edge = allowed(kPartEdges.at(part), target) ||
                    (kAdapterEdges.contains(unit) && allowed(kAdapterEdges.at(unit), target)) ||
                    (test && kTestEdges.contains(unit) && allowed(kTestEdges.at(unit), target));
  return own || edge ? std::string() : "no edge from " + unit;
}

std::string judge_app(const std::string& target) {
  return is_for_tests(target) ? "test code is for tests" : std::string();
}

std::string sentence(const std::string& file, const std::string& target, const std::string& wrong) {
  return file + " includes " + target + ": " + wrong;
}

std::vector<std::string> include_violations(const SourceFile& file) {
  std::vector<std::string> violations;
  const std::string opening = "#include \"";
  const std::string src = "src/";
  for (const std::string& line : lines_of(file.text)) {
    const std::string directive = trim(line);
    if (!directive.starts_with(opening)) {
      continue;
    }
    const std::string target =
        directive.substr(opening.size(), directive.find('"', opening.size()) - opening.size());
    const std::string wrong =
        file.path.starts_with(src) ? judge(file.path.substr(src.size()), target) : judge_app(target);
    if (!wrong.empty()) {
      violations.push_back(sentence(file.path, target, wrong));
    }
  }
  return violations;
}

// They compile slowly: in headers they cost every file that includes them.
bool includes_asio(const SourceFile& file) {
  const auto lines = lines_of(file.text);
  return std::ranges::any_of(lines, [](const std::string& line) {
    return line.starts_with("#include <boost/asio") || line.starts_with("#include <boost/beast");
  });
}

std::size_t count(const std::string& path, const std::string& target) {
  return include_violations({path, "#include \"" + target + "\"\n"}).size();
}

TEST(IncludeEdges, HoldInTheWholeTree) {
  const auto files = read_sources({"src", "apps"});
  ASSERT_GT(files.size(), 10U) << "read from the wrong place";
  for (const SourceFile& file : files) {
    for (const std::string& violation : include_violations(file)) {
      ADD_FAILURE() << violation;
    }
  }
}

TEST(IncludeEdges, AsioStaysOutOfHeaders) {
  for (const SourceFile& file : read_sources({"src"})) {
    EXPECT_FALSE(is_header(file.path) && !is_test_code(file.path) && includes_asio(file))
        << file.path << " includes Asio or Beast: forward-declare";
  }
  EXPECT_TRUE(includes_asio({"src/a/a.h", "#pragma once\n#include <boost/asio/io_context.hpp>\n"}));
  EXPECT_FALSE(includes_asio({"src/a/a.h", "// #include <boost/asio/io_context.hpp>\n"}));
}

TEST(IncludeEdges, AreNoCircle) {
  // Each part with all that it reaches never reaches itself.
  for (const auto& [part, edges] : kPartEdges) {
    std::set<std::string> reached = edges;
    for (std::size_t before = 0; before != reached.size();) {
      before = reached.size();
      for (const std::string& each : std::set<std::string>(reached)) {
        const auto& next = kPartEdges.at(part_of(each));
        reached.insert(next.begin(), next.end());
      }
    }
    EXPECT_FALSE(reached.contains(part)) << part;
  }
}

TEST(IncludeEdges, AllowWhatTheTableSays) {
  EXPECT_EQ(count("src/gateway/api.cc", "archive/archive.h"), 0U);
  EXPECT_EQ(count("src/gateway/api.cc", "gateway/api.h"), 0U);
  EXPECT_EQ(count("src/worker/cache.cc", "store/code_store.h"), 0U);
  EXPECT_EQ(count("src/store/sqlite/a.cc", "store/sqlite/b.h"), 0U);
  EXPECT_EQ(count("src/store/sqlite/a.cc", "store/function_store.h"), 0U);
  EXPECT_EQ(count("src/link/http/a.cc", "http/client.h"), 0U);
  EXPECT_EQ(count("src/worker/node/a.cc", "worker/instance.h"), 0U);
  EXPECT_EQ(count("src/sim/a.cc", "worker/worker.h"), 0U);
}

TEST(IncludeEdges, RefuseWhatTheTableDoesNotSay) {
  EXPECT_EQ(count("src/base/a.cc", "model/function.h"), 1U);
  EXPECT_EQ(count("src/cli/a.cc", "store/function_store.h"), 1U);
  EXPECT_EQ(count("src/launcher/a.cc", "model/limits.h"), 1U);
  EXPECT_EQ(count("src/http/a.cc", "model/function.h"), 1U);
  EXPECT_EQ(count("src/worker/a.cc", "store/function_store.h"), 1U);
  EXPECT_EQ(count("src/dispatch/a.cc", "worker/instance.h"), 1U);
  EXPECT_EQ(count("src/store/sqlite/a.cc", "archive/archive.h"), 1U);
  EXPECT_EQ(count("src/link/inproc/a.cc", "http/client.h"), 1U);
  EXPECT_EQ(count("src/sim/a.cc", "worker/code_cache.h"), 1U) << "its pure parts alone";
  EXPECT_EQ(count("src/sim/a.cc", "messaging/redis/rendezvous.h"), 1U);
  EXPECT_EQ(count("src/newcomer/a.cc", "base/result.h"), 1U);
  EXPECT_EQ(count("src/base/a.cc", "result.h"), 1U) << "every path starts at src/";
}

TEST(IncludeEdges, KeepAdaptersForAppsAndTests) {
  EXPECT_EQ(count("apps/hearth/main.cc", "store/sqlite/store.h"), 0U);
  EXPECT_EQ(count("src/store/function_store.cc", "store/sqlite/store.h"), 1U);
  EXPECT_EQ(count("src/store/sqlite/a.cc", "store/postgres/b.h"), 1U);
  EXPECT_EQ(count("src/dispatch/a.cc", "messaging/inproc/m.h"), 1U);
  EXPECT_EQ(count("src/dispatch/a_test.cc", "messaging/inproc/m.h"), 0U);
  EXPECT_EQ(count("src/sandbox/testing/a.cc", "sandbox/linux/b.h"), 0U);
  EXPECT_EQ(count("src/link/http/a_test.cc", "worker/api/worker_api.h"), 0U) << "the other end";
  EXPECT_EQ(count("src/link/http/a.cc", "worker/api/worker_api.h"), 1U);
  EXPECT_EQ(count("src/link/crossloop/a_test.cc", "worker/worker.h"), 1U);
  EXPECT_EQ(count("src/cli/a_test.cc", "store/sqlite/store.h"), 1U) << "cli does not use the store";
  EXPECT_EQ(count("src/worker/a_test.cc", "store/sqlite/store.h"), 1U) << "nor the worker all of it";
}

TEST(IncludeEdges, KeepTestCodeForTests) {
  EXPECT_EQ(count("src/worker/a.cc", "base/manual_event_loop.h"), 1U);
  EXPECT_EQ(count("src/worker/a_test.cc", "base/manual_event_loop.h"), 0U);
  EXPECT_EQ(count("src/sim/a.cc", "base/manual_event_loop.h"), 0U);
  EXPECT_EQ(count("src/sandbox/a.cc", "sandbox/testing/b.h"), 1U);
  EXPECT_EQ(count("apps/hearth/main.cc", "sandbox/testing/b.h"), 1U);
  EXPECT_EQ(count("src/http/a.cc", "http/loopback_test_support.h"), 1U);
}

}  // namespace
}  // namespace hearth::structure
