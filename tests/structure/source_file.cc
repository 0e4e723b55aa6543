#include "source_file.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace hearth::structure {
namespace {

namespace fs = std::filesystem;

fs::path repository() {
  const char* folder = std::getenv("HEARTH_SOURCE_DIR");
  if (folder == nullptr) {
    throw std::runtime_error("HEARTH_SOURCE_DIR is not set: run the structure tests with ctest");
  }
  return folder;
}

// Blanks out what is not code, one piece after the other.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      next();
    }
    return std::move(code_);
  }

 private:
  bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void next() {
    if (here("//")) {
      blank_until(text_.find('\n', at_));
    } else if (here("/*")) {
      const std::size_t end = text_.find("*/", at_ + 2);
      blank_until(end == std::string_view::npos ? end : end + 2);
    } else if (here("#") && trim(code_.substr(code_.rfind('\n') + 1)).empty()) {
      blank_until(end_of_directive());
    } else if (here("R\"") && !after_word()) {
      blank_until(end_of_raw_string());
    } else if (here("\"")) {
      blank_until(end_of_quoted('"'));
    } else if (here("'") && !after_word()) {  // within a word it separates digits
      blank_until(end_of_quoted('\''));
    } else {
      code_ += text_[at_++];
    }
  }

  bool after_word() const {
    return !code_.empty() &&
           (std::isalnum(static_cast<unsigned char>(code_.back())) != 0 || code_.back() == '_');
  }

  void blank_until(std::size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_) {
      code_ += text_[at_] == '\n' ? '\n' : ' ';
    }
  }

  std::size_t end_of_directive() const {
    std::size_t end = at_;
    do {
      end = text_.find('\n', end + 1);
    } while (end != std::string_view::npos && text_[end - 1] == '\\');
    return end;
  }

  std::size_t end_of_raw_string() const {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) {
      return open;
    }
    const std::string close = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    const std::size_t end = text_.find(close, open);
    return end == std::string_view::npos ? end : end + close.size();
  }

  std::size_t end_of_quoted(char quote) const {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    return end + 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string code_;
};

}  // namespace

std::vector<SourceFile> read_sources(const std::vector<std::string>& folders) {
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(repository() / folder)) {
      const std::string extension = entry.path().extension();
      if (entry.is_regular_file() && (extension == ".h" || extension == ".cc")) {
        std::ifstream in(entry.path(), std::ios::binary);
        files.push_back(
            {fs::relative(entry.path(), repository()), std::string(std::istreambuf_iterator(in), {})});
      }
    }
  }
  std::ranges::sort(files, {}, &SourceFile::path);
  return files;
}

std::vector<std::string> list_folders(const std::vector<std::string>& folders) {
  std::vector<std::string> found;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(repository() / folder)) {
      if (entry.is_directory()) {
        found.push_back(fs::relative(entry.path(), repository()));
      }
    }
  }
  return found;
}

bool is_header(std::string_view path) { return path.ends_with(".h"); }

bool is_test_code(std::string_view path) {
  return path.ends_with("_test.cc") || path.ends_with("_test_support.h") ||
         path.ends_with("_test_support.cc") || path.find("/testing/") != std::string_view::npos;
}

std::string code_only(std::string_view text) { return Blanker(text).run(); }

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) {
    return {};
  }
  return std::string(text.substr(first, text.find_last_not_of(kBlank) - first + 1));
}

}  // namespace hearth::structure
