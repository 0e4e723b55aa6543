// The repository's own sources as the structure tests read them: text, and text without what a
// compiler would not see as code. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::structure {

struct SourceFile {
  std::string path;  // relative to the repository, e.g. "src/base/ids.h"
  std::string text;
};

// Every .h and .cc under these folders of the repository, in the order of their paths. The repository
// is where HEARTH_SOURCE_DIR says (CMake sets it for tests).
std::vector<SourceFile> read_sources(const std::vector<std::string>& folders);

// Every folder below these, as paths of the same kind.
std::vector<std::string> list_folders(const std::vector<std::string>& folders);

bool is_header(std::string_view path);
// Test code: x_test.cc, what stands in a folder testing/, and x_test_support.h or .cc.
bool is_test_code(std::string_view path);

// `text` with comments, preprocessor lines and the insides of literals blanked out; every line stays
// where it is.
std::string code_only(std::string_view text);

std::vector<std::string> lines_of(std::string_view text);
std::string trim(std::string_view text);

}  // namespace hearth::structure
