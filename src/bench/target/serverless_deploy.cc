#include "bench/target/serverless_deploy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <filesystem>

#include "base/random.h"
#include "bench/target/program_run.h"
#include "bench/target/server_process.h"
#include "bench/target/test_function.h"

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;

using base::Error;
using base::ErrorCode;

constexpr const char* kService = "hearth-bench";
constexpr std::chrono::seconds kDeployBound{120};
constexpr std::size_t kLastWords = 1500;
constexpr const char* kBesidePlugin = HEARTH_SOURCE_PLUGINS "/serverless/test/node_modules/.bin";

base::Result<std::string> find_plugin() {
  std::error_code failed;
  const fs::path binary = fs::read_symlink("/proc/self/exe", failed);
  const std::array candidates = {binary.parent_path() / "../share/hearth/plugins/serverless",
                                 fs::path(HEARTH_SOURCE_PLUGINS) / "serverless"};
  for (const fs::path& folder : candidates) {
    if (fs::exists(folder / "package.json", failed)) {
      return fs::canonical(folder).string();
    }
  }
  return Error{
      ErrorCode::kNotFound,
      fmt::format("the plugin serverless-hearth is neither in {} nor in {}: the installation is incomplete",
                  candidates[0].lexically_normal().string(), candidates[1].string())};
}

std::string random_stage() {
  std::array<std::uint8_t, 4> bytes{};
  base::SystemRandom().fill(bytes);
  return fmt::format("b{:02x}{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2], bytes[3]);
}

}  // namespace

std::string deployed_name(const ServerlessWish& wish, const std::string& stage) {
  return fmt::format("{}-{}-{}", kService, stage, to_string(wish.function));
}

std::string service_file(const ServerlessWish& wish, const std::string& stage) {
  return fmt::format(
      R"(service: {}
plugins:
  - serverless-hearth
provider:
  name: hearth
  endpoint: '{}'
  stage: {}
  memorySize: {}
{}package:
  patterns: ['!node_modules/**']
functions:
  {}:
    handler: index
)",
      kService, wish.endpoint, stage, wish.memory_mb,
      wish.concurrency == 0 ? "" : fmt::format("  concurrency: {}\n", wish.concurrency),
      to_string(wish.function));
}

base::Result<std::string> find_serverless(const std::string& program,
                                          const std::vector<std::string>& folders) {
  std::error_code failed;
  if (!program.empty()) {
    if (::access(program.c_str(), X_OK) != 0) {
      return Error{ErrorCode::kNotFound, fmt::format("--serverless {}: there is no such program", program)};
    }
    return fs::absolute(program, failed).string();
  }
  for (const std::string name : {"serverless", "osls"}) {
    if (std::string found = find_program(name); !found.empty()) {
      return found;
    }
    for (const std::string& folder : folders) {
      if (const std::string candidate = folder + "/" + name; ::access(candidate.c_str(), X_OK) == 0) {
        return fs::absolute(candidate, failed).string();
      }
    }
  }
  return Error{ErrorCode::kNotFound,
               "--deploy serverless: there is no serverless or osls in PATH or ./node_modules; npm install "
               "serverless@3 (or osls), or name the program by --serverless PATH"};
}

base::Result<std::string> deploy_by_serverless(const ServerlessWish& wish) {
  const auto program = find_serverless(wish.program, {"node_modules/.bin", kBesidePlugin});
  if (!program) {
    return program.error();
  }
  const auto plugin = find_plugin();
  if (!plugin) {
    return plugin.error();
  }
  const TemporaryFolder folder;
  const std::string stage = random_stage();
  folder.write("serverless.yml", service_file(wish, stage));
  const SourceFile source = source_of(wish.function);
  folder.write(std::string(source.name), std::string(source.code));
  // Not a link to the plugin: the framework would look through all that is below it for files to package.
  const std::string stub = "node_modules/serverless-hearth";
  std::error_code failed;
  fs::create_directories(folder.path() + "/" + stub, failed);
  folder.write(stub + "/index.js", fmt::format("module.exports = require({});\n",
                                               boost::json::serialize(boost::json::string(*plugin))));
  // No questions, no news, no reports to its makers.
  const std::vector<std::string> environment = {"CI=1", "SLS_NOTIFICATIONS_MODE=off",
                                                "SLS_TELEMETRY_DISABLED=1", "SLS_TRACKING_DISABLED=1",
                                                "HEARTH_API_KEY=" + wish.api_key};
  const auto run = run_to_end({*program, "deploy"}, folder.path(), environment, kDeployBound);
  if (!run) {
    return run.error();
  }
  if (run->exit_code != 0) {
    const std::size_t from = run->output.size() > kLastWords ? run->output.size() - kLastWords : 0;
    return Error{ErrorCode::kIo,
                 fmt::format("{} deploy failed; its last words:\n{}", *program, run->output.substr(from))};
  }
  return deployed_name(wish, stage);
}

}  // namespace hearth::bench
