#include "function_length.h"

#include <algorithm>
#include <regex>

#include "source_file.h"

namespace hearth::structure {
namespace {

std::string on_one_line(std::string_view text) {
  return std::regex_replace(trim(text), std::regex("\\s+"), " ");
}

bool opens_function(const std::string& header) {
  static const std::regex type("\\b(class|struct|union|enum|namespace|concept)\\b[^()]*$");
  const bool initializer = header.ends_with('=') || header.ends_with(',') || header.ends_with('(');
  return header.find(')') != std::string::npos && !initializer && !std::regex_search(header, type);
}

// Walks over code (code_only()) from brace to brace.
class Walker {
 public:
  explicit Walker(const std::string& code) : code_(code) {}

  std::vector<FunctionSize> run() {
    for (at_ = 0; at_ < code_.size(); ++at_) {
      switch (code_[at_]) {
        case '{':
          open();
          break;
        case '}':
        case ';':
          header_from_ = at_ + 1;
          break;
        default:
          break;
      }
    }
    return std::move(sizes_);
  }

 private:
  void open() {
    const std::string header = on_one_line(header_text());
    if (!opens_function(header)) {
      header_from_ = at_ + 1;
      return;
    }
    const std::size_t close = matching_brace();
    const std::size_t next = std::min(code_.find_first_not_of(" \t\r\n", close + 1), code_.size());
    at_ = close;
    if (next < code_.size() && (code_[next] == ',' || code_[next] == '{')) {
      return;  // the initializer of a member: the body is yet to come
    }
    const std::size_t start = std::min(code_.find_first_not_of(" \t\r\n", header_from_), close);
    const std::size_t first_line = line_of(start);
    sizes_.push_back({header, first_line, line_of(close) - first_line + 1});
    header_from_ = close + 1;
  }

  std::string_view header_text() const {
    return std::string_view(code_).substr(header_from_, at_ - header_from_);
  }

  std::size_t matching_brace() const {
    int depth = 0;
    for (std::size_t i = at_; i < code_.size(); ++i) {
      depth += code_[i] == '{' ? 1 : 0;
      depth -= code_[i] == '}' ? 1 : 0;
      if (depth == 0) {
        return i;
      }
    }
    return code_.size();
  }

  std::size_t line_of(std::size_t position) const {
    const auto end = code_.begin() + static_cast<std::ptrdiff_t>(std::min(position, code_.size()));
    return 1 + static_cast<std::size_t>(std::count(code_.begin(), end, '\n'));
  }

  const std::string& code_;
  std::size_t at_ = 0;
  std::size_t header_from_ = 0;
  std::vector<FunctionSize> sizes_;
};

}  // namespace

std::vector<FunctionSize> function_sizes(std::string_view text) {
  const std::string code = code_only(text);
  return Walker(code).run();
}

}  // namespace hearth::structure
