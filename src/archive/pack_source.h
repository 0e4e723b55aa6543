// Sources that libzip reads while it writes a zip: a file opened only then, and counted.
//
// The second half of pack_folder(). libzip takes a callback instead of a reader, hence the shape.
#pragma once

#include <zip.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace hearth::archive {

// Outlives the sources that report to it.
struct PackProgress {
  std::function<void(std::uint64_t files, std::uint64_t bytes)> report;  // may be empty
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::optional<base::Error> failure = std::nullopt;  // the first, in words that name the file
};

// nullptr when libzip refuses. zip_file_add() takes it over. `text` outlives it.
zip_source_t* make_file_source(zip_t* zip, const std::string& path, std::uint64_t size,
                               PackProgress& progress);
zip_source_t* make_text_source(zip_t* zip, const std::string& text);

}  // namespace hearth::archive
