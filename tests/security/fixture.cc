#include "tests/security/fixture.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <filesystem>
#include <sstream>

#include "tests/support/leftovers.h"

namespace hearth::security {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr const char* kNeighbour = "module.exports = (word) => [word, process.env.SECRET];";
constexpr const char* kNeighboursSecret = "the neighbour's own";
constexpr const char* kUntouched = "nobody touches this\n";

// Files of the host that code inside might want to change, beside those that are only there to be changed.
constexpr std::array kHostFiles = {"/etc/passwd", "/etc/shadow", "/etc/hostname", "/etc/resolv.conf",
                                   "/usr/bin/node"};
constexpr std::array kHostSettings = {"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
                                      "/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/modprobe"};

// What stands before a handler that runs the probe.
constexpr const char* kProbe = R"js(
const fs = require('fs');
const { spawnSync } = require('child_process');
fs.copyFileSync('/code/probe', '/tmp/probe');
fs.chmodSync('/tmp/probe', 0o755);
const probe = (words) => spawnSync('/tmp/probe', words, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/tmp' });
module.exports = )js";

// What stands before a source of attempts.
constexpr const char* kAttempt = R"js(
const fs = require('fs');
const attempt = (it) => { try { it(); return 0; } catch (error) { return error.code ?? String(error); } };
)js";

Results results_of(const json::value& output) {
  Results results;
  if (const json::object* const object = output.if_object(); object != nullptr) {
    for (const auto& [name, result] : *object) {
      results[name] = result.is_string() ? std::string(result.as_string()) : json::serialize(result);
    }
  }
  return results;
}

Results parse_results(const std::string& text) {
  Results results;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find(' ');
    results[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return results;
}

constexpr unsigned kUidBase = 300'000;  // as others run beside these tests

// Of the lines of host_state().
bool is_process(const std::string& line) { return line.starts_with("process "); }

// Its inode, size and times: what changes it changes one of them.
std::string state_of(const char* path) {
  struct stat info {};
  if (::stat(path, &info) != 0) {
    return std::string(path) + " absent\n";
  }
  std::ostringstream text;
  text << path << ' ' << info.st_ino << ' ' << info.st_mode << ' ' << info.st_uid << ' ' << info.st_size
       << ' ' << info.st_mtim.tv_sec << '.' << info.st_mtim.tv_nsec << ' ' << info.st_ctim.tv_sec << '.'
       << info.st_ctim.tv_nsec << '\n';
  return text.str();
}

}  // namespace

std::unique_ptr<test::ScratchFolder> Security::canaries_;
std::set<std::string> Security::host_before_;
std::string Security::canaries_before_;
std::unique_ptr<test::HearthServer> Security::server_;
bool Security::own_network_ = false;

void Security::start(const std::vector<std::string>& flags, bool own_network) {
  own_network_ = own_network;
  if (::geteuid() != 0) {
    return;
  }
  host_before_ = host_now();
  canaries_ = std::make_unique<test::ScratchFolder>();
  std::filesystem::permissions(canaries_->path(), std::filesystem::perms(0777));
  for (const char* name : {"one", "folder/two"}) {
    std::filesystem::permissions(canaries_->write(name, kUntouched), std::filesystem::perms(0666));
  }
  canaries_before_ = canaries_now();
  auto all = flags;
  all.insert(all.end(), {"--uid-base", std::to_string(kUidBase)});
  server_ = std::make_unique<test::HearthServer>(test::with_flags(all));
  server_->create_js(kNeighbour, {{"name", "neighbour"}, {"environment", {{"SECRET", kNeighboursSecret}}}});
  EXPECT_EQ(server_->invoke("neighbour", "1").status, 200);
}

void Security::TearDownTestSuite() {
  if (server_) {
    EXPECT_EQ(server_->stop(), 0) << server_->log();
    server_.reset();
    EXPECT_EQ(test::leftovers(host_before_, host_now()), "");
  }
  canaries_.reset();
}

void Security::SetUp() {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "sandboxes are made by root";
  }
  ASSERT_TRUE(server_);
}

void Security::TearDown() {
  if (!server_) {
    return;
  }
  const test::Reply reply = server_->invoke("neighbour", "\"word\"");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(json::serialize(reply.json().at("output")),
            json::serialize(json::array{"word", kNeighboursSecret}));
  EXPECT_EQ(server_->get("/health").status, 200);
  for (const std::string& id : functions_) {
    EXPECT_EQ(server_->del("/functions/" + id).status, 204);
  }
  std::string unrest;
  EXPECT_TRUE(test::eventually([&] { return (unrest = unrest_now()).empty(); }, seconds(20))) << unrest;
  EXPECT_EQ(canaries_now(), canaries_before_);
}

std::string Security::hostile(const std::string& index_js, json::object settings) {
  return hostile_files({{"index.js", index_js}}, std::move(settings));
}

std::string Security::hostile_files(const std::map<std::string, std::string>& files, json::object settings) {
  functions_.push_back(server_->create(files, std::move(settings)));
  return functions_.back();
}

json::value Security::output_of(const std::string& id, const std::string& input) {
  const test::Reply reply = server_->invoke(id, input);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.status == 200 ? reply.json().at("output") : json::value();
}

std::vector<std::string> Security::strings_of(const std::string& id, const std::string& input) {
  const json::value output = output_of(id, input);
  return output.is_array() ? json::value_to<std::vector<std::string>>(output) : std::vector<std::string>();
}

void Security::expect_failure(const std::string& id, const std::string& input, int status,
                              const std::string& code) {
  const test::Reply reply = server_->invoke(id, input);
  EXPECT_EQ(reply.status, status) << reply.body;
  EXPECT_EQ(reply.error_code(), code) << reply.body;
}

std::string Security::hostile_with_probe(const std::string& handler, json::object settings) {
  return hostile_files({{"index.js", kProbe + handler}, {"probe", test::read_file(HEARTH_SANDBOX_PROBE)}},
                       std::move(settings));
}

std::string Security::prober(json::object settings) {
  return hostile_with_probe("(words) => String(probe(words).stdout);", std::move(settings));
}

std::string Security::probe_inside(const std::vector<std::string>& words) {
  if (probe_.empty()) {
    probe_ = prober({{"timeout", 30'000}, {"memorySize", 256}});
  }
  const json::value output = output_of(probe_, json::serialize(json::array(words.begin(), words.end())));
  return output.is_string() ? std::string(output.as_string()) : "";
}

std::string Security::probe_outside(const std::vector<std::string>& words) {
  std::vector<std::string> command = {HEARTH_SANDBOX_PROBE};
  command.insert(command.end(), words.begin(), words.end());
  return test::run_program(command).output;
}

void Security::expect_denied(const std::string& command) {
  expect_denied(parse_results(probe_outside({command})), parse_results(probe_inside({command})));
}

void Security::expect_denied_js(const std::string& source, const std::string& input) {
  const std::string whole = kAttempt + source;
  const test::ScratchFolder folder;
  const std::string file = folder.write("index.js", whole);
  const std::string script = "Promise.resolve(require('" + file + "')(" + input +
                             ")).then((results) => console.log(JSON.stringify(results)))";
  const auto outside = test::run_program({"node", "-e", script});
  ASSERT_EQ(outside.exit_code, 0) << outside.output;
  expect_denied(results_of(json::parse(outside.output)), results_of(output_of(hostile(whole), input)));
}

void Security::expect_denied(const Results& outside, const Results& inside) {
  EXPECT_FALSE(inside.empty());
  EXPECT_EQ(inside.size(), outside.size());
  for (const auto& [name, result] : inside) {
    const auto control = outside.find(name);
    if (control == outside.end() || control->second != "0") {
      std::printf("not testable here: %s (outside: %s)\n", name.c_str(),
                  control == outside.end() ? "-" : control->second.c_str());
    } else {
      EXPECT_NE(result, "0") << name << " succeeded inside";
    }
  }
}

std::set<std::string> Security::host_now() {
  return test::host_state({.uid_base = kUidBase, .alone = false, .own_network = own_network_});
}

std::size_t Security::instance_processes() {
  return static_cast<std::size_t>(std::ranges::count_if(host_now(), is_process));
}

std::string Security::canary(const std::string& name) { return canaries_->path() + "/" + name; }

// What is there beside the neighbour and what is started ahead, of which each is one process. The cgroups, of
// which some are made ahead as well, are looked at at the end.
std::string Security::unrest_now() {
  const auto processes = static_cast<std::int64_t>(instance_processes());
  const auto known = server_->instances({"prestarted", "idle"});
  if (processes == known &&
      server_->instances({"starting", "leased", "running", "resuming", "removing"}) == 0) {
    return {};
  }
  return fmt::format("{} processes of {} instances at rest\n", processes, known);
}

std::string Security::canaries_now() {
  std::string text;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(canaries_->path())) {
    text += state_of(entry.path().c_str());
    text += entry.is_regular_file() ? test::read_file(entry.path()) : "";
  }
  for (const char* path : kHostFiles) {
    text += state_of(path);
  }
  for (const char* path : kHostSettings) {
    text += test::read_file(path);
  }
  return text;
}

}  // namespace hearth::security
