#include "cli/api.h"

namespace hearth::cli {
namespace {

// Unreserved in RFC 3986: everything else is encoded.
bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += kHex[byte >> 4U];
      result += kHex[byte & 15U];
    }
  }
  return result;
}

std::string function_path(std::string_view name, std::string_view rest) {
  return ("/functions/" + percent_encoded(name)).append(rest);
}

std::string worker_path(std::string_view id, std::string_view rest) {
  return ("/workers/" + percent_encoded(id)).append(rest);
}

std::string execution_path(std::string_view id, std::string_view rest) {
  return ("/executions/" + percent_encoded(id)).append(rest);
}

}  // namespace hearth::cli
