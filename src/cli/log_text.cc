#include "cli/log_text.h"

#include <ostream>
#include <string_view>

#include "cli/format.h"

namespace hearth::cli {

void print_log_heading(std::ostream& out, const LogEntry& entry) {
  out << printable(entry.time) << "  " << printable(entry.outcome) << "  "
      << human_milliseconds(entry.duration_ms) << (entry.cold ? "  cold  " : "  warm  ")
      << printable(entry.request_id) << '\n';
}

void print_log_lines(std::ostream& out, const LogEntry& entry) {
  for (const auto& line : entry.lines) {
    std::string_view rest = line.text;
    if (!rest.empty() && rest.back() == '\n') {
      rest.remove_suffix(1);
    }
    bool more = true;
    while (more) {
      const std::size_t end = rest.find('\n');
      out << (line.is_error_stream ? "  ! " : "  | ") << rest.substr(0, end) << '\n';
      more = end != std::string_view::npos;
      rest.remove_prefix(more ? end + 1 : rest.size());
    }
  }
  if (entry.truncated) {
    out << "  (the function wrote more than the log's limit; the rest is lost)\n";
  }
}

}  // namespace hearth::cli
