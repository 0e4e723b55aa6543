// The zip that a deploy uploads: a folder packed into a temporary file, or a zip as it is; opened,
// measured and checked before anything is sent. One thread; blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/runtime.h"

namespace hearth::cli {

struct CodePackage {
  base::UniqueFd zip;  // an unlinked file, or the user's own; at its beginning
  std::uint64_t zip_bytes = 0;
  std::uint64_t unzipped_bytes = 0;
  std::vector<std::string> paths;  // regular files inside
};

using PackProgress = std::function<void(std::uint64_t files, std::uint64_t bytes)>;

// `path`: a folder (its .hearthignore is honoured) or a zip. kNotFound, kInvalidArgument, kTooLarge
// (over `limit_bytes`), kIo; the message names the path.
base::Result<CodePackage> open_code(const std::string& path, std::uint64_t limit_bytes,
                                    const PackProgress& progress);

// "my-function" for "./my-function/", "../my-function" and "my-function.zip".
std::string name_of_code(const std::string& path);

// Whether the runtime would find the handler ("file" or "file.export") among `paths`.
// kNotFound with what is missing and what to do.
base::Result<void> check_handler(const model::Runtime& runtime, std::string_view handler,
                                 const std::vector<std::string>& paths);

}  // namespace hearth::cli
