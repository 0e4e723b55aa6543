#include "bench/run/outputs.h"

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/report/report.h"
#include "bench/result_json.h"

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;

using base::Error;
using base::ErrorCode;

// Whole or not at all: what an earlier run wrote there is not lost when this one is cut.
base::Result<void> write_file(const std::string& path, const std::string& bytes) {
  const std::string partial = path + ".part";
  std::ofstream file(partial, std::ios::binary);
  file << bytes;
  file.close();
  std::error_code failed;
  if (file) {
    fs::rename(partial, path, failed);
  }
  if (!file || failed) {
    return base::io_error("cannot write " + path, failed ? failed.value() : errno);
  }
  return {};
}

void keep_first(base::Result<void>& first, base::Result<void> next) {
  if (first && !next) {
    first = std::move(next);
  }
}

}  // namespace

base::Result<void> write_report(const std::vector<RunResult>& results, const std::string& path) {
  return write_file(path, html(results));
}

base::Result<void> write_charts(const std::vector<RunResult>& results, const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  base::Result<void> first;
  for (const Chart& chart : charts(results)) {
    const std::string path = folder + "/" + chart.name;
    keep_first(first, write_file(path + ".svg", chart.svg));
    keep_first(first, write_png(chart, path + ".png"));
  }
  return first;
}

base::Result<void> write_outputs(const RunResult& result, const OutputOptions& options) {
  base::Result<void> first;
  const std::string json = options.json.empty() ? options.resume : options.json;
  if (!json.empty()) {
    keep_first(first, write_file(json, to_json(result)));
  }
  if (!options.csv.empty()) {
    keep_first(first, write_file(options.csv, csv(result)));
  }
  if (!options.calls.empty()) {
    keep_first(first, write_file(options.calls, calls_to_json(result.calls)));
  }
  if (!options.report.empty()) {
    keep_first(first, write_report({result}, options.report));
  }
  if (!options.charts.empty()) {
    keep_first(first, write_charts({result}, options.charts));
  }
  return first;
}

base::Result<void> check_outputs(const OutputOptions& options) {
  for (const std::string& path : {options.json, options.csv, options.report, options.calls}) {
    const fs::path folder = fs::path(path).parent_path();
    std::error_code failed;
    if (!path.empty() && !folder.empty() && !fs::is_directory(folder, failed)) {
      return Error{ErrorCode::kNotFound, fmt::format("{}: there is no folder {}", path, folder.string())};
    }
    if (!path.empty() && fs::is_directory(path, failed)) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("{} is a folder, not a file", path)};
    }
  }
  return {};
}

base::Result<RunResult> read_result(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return Error{ErrorCode::kNotFound, fmt::format("the file '{}' cannot be read", path)};
  }
  auto result = from_json(text);
  if (!result) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: {}", path, result.error().message)};
  }
  return result;
}

base::Result<void> resume_from(const RunResult& earlier, RunResult& result) {
  if (earlier.test != result.test) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("--resume: the file holds a run of '{}', not of '{}'", earlier.test, result.test)};
  }
  const auto setting = [](const RunResult& run, const std::string& name) {
    const auto found = run.settings.find(name);
    return found == run.settings.end() ? "" : found->second;
  };
  auto names = earlier.settings;
  names.insert(result.settings.begin(), result.settings.end());
  for (const auto& [name, unused] : names) {
    if (setting(earlier, name) != setting(result, name)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("--resume: the file's run had {} '{}', and this one has '{}'", name,
                               setting(earlier, name), setting(result, name))};
    }
  }
  result.started_at = earlier.started_at;
  result.samples = earlier.samples;
  std::erase_if(result.samples, [](const Sample& sample) { return sample.cut; });
  result.calls = earlier.calls;
  result.calls_left_out = earlier.calls_left_out;
  return {};
}

}  // namespace hearth::bench
