#include "bench/load/answer_text.h"

#include <string.h>

#include <cstdlib>

namespace hearth::bench {
namespace {

// What follows `mark`; empty when it is not there.
std::string_view after(std::string_view text, std::string_view mark) {
  const void* found = ::memmem(text.data(), text.size(), mark.data(), mark.size());
  if (found == nullptr) {
    return {};
  }
  const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + mark.size();
  return text.substr(at);
}

}  // namespace

Start start_in(std::string_view body_end) {
  const std::string_view kind = after(body_end, "\"execute.");
  if (kind.starts_with("warm")) {
    return Start::kWarm;
  }
  return kind.starts_with("cold") ? Start::kCold : Start::kUnknown;
}

bool prestarted_in(std::string_view body_end) { return !after(body_end, "\"name\":\"assign\"").empty(); }

double handler_ms_in(std::string_view body_end) {
  const std::string_view rest = after(body_end, "\"name\":\"handler\",\"duration\":");
  return rest.empty() ? 0 : std::strtod(std::string(rest.substr(0, 24)).c_str(), nullptr);
}

std::string reason_in(int status, std::string_view body_begin) {
  const std::string_view rest = after(body_begin, "\"code\":\"");
  const std::size_t end = rest.find('"');
  if (rest.empty() || end == std::string_view::npos || end > 40) {
    return "HTTP " + std::to_string(status);
  }
  return std::to_string(status) + " " + std::string(rest.substr(0, end));
}

}  // namespace hearth::bench
