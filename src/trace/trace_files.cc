// A trace's folder and its files.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "trace/azure_trace.h"

namespace hearth::trace {
namespace {

using base::Error;
using base::ErrorCode;

struct LoadedFile {
  std::string name;
  std::string text;
};

base::Result<std::vector<std::string>> csv_files(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".csv") {
      names.push_back(at->path().filename());
    }
  }
  if (error) {
    return Error{ErrorCode::kIo, fmt::format("{}: {}", folder, error.message())};
  }
  std::ranges::sort(names);
  return names;
}

// The one file of that kind; none: an empty name.
base::Result<std::string> one_of(const std::string& folder, const std::vector<std::string>& names,
                                 const std::string& kind) {
  std::string found;
  for (const std::string& name : names) {
    if (name.find(kind) == std::string::npos) {
      continue;
    }
    if (!found.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("{} has two files of {}: {} and {}", folder, kind, found, name)};
    }
    found = name;
  }
  return found;
}

base::Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) {
    return Error{ErrorCode::kIo, fmt::format("{}: {}", path, error.message())};
  }
  if (bytes > kMostFileBytes) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("{} has {} bytes, and at most {} are read", path, bytes, kMostFileBytes)};
  }
  std::string text(bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(bytes))) {
    return base::io_error(path, errno);
  }
  return text;
}

// The folder's file of that kind; an empty name when there is none.
base::Result<LoadedFile> load(const std::string& folder, const std::vector<std::string>& names,
                              const std::string& kind) {
  const auto name = one_of(folder, names, kind);
  if (!name || name->empty()) {
    return name ? base::Result<LoadedFile>(LoadedFile()) : name.error();
  }
  auto text = read_file(fmt::format("{}/{}", folder, *name));
  return text ? base::Result<LoadedFile>(LoadedFile{*name, *std::move(text)}) : text.error();
}

std::optional<NamedText> named(const LoadedFile& file) {
  return file.name.empty() ? std::nullopt : std::optional(NamedText{file.name, file.text});
}

}  // namespace

base::Result<Trace> read_trace(const std::string& folder) {
  const auto names = csv_files(folder);
  if (!names) {
    return names.error();
  }
  const auto invocations = load(folder, *names, "invocations");
  const auto durations = load(folder, *names, "durations");
  const auto memory = load(folder, *names, "memory");
  for (const auto* each : {&invocations, &durations, &memory}) {
    if (!*each) {
      return each->error();
    }
  }
  if (invocations->name.empty()) {
    return Error{ErrorCode::kNotFound, fmt::format("{} has no file *invocations*.csv", folder)};
  }
  return parse_trace({*named(*invocations), named(*durations), named(*memory)});
}

}  // namespace hearth::trace
