#include "cli/api.h"

namespace hearth::cli {
namespace {

// Unreserved in RFC 3986: everything else is encoded.
bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// One segment of a path behind what it begins with.
std::string encoded(std::string path, std::string_view name) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : name) {
    if (is_unreserved(c)) {
      path += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      path += '%';
      path += kHex[byte >> 4U];
      path += kHex[byte & 15U];
    }
  }
  return path;
}

}  // namespace

std::string function_path(std::string_view name, std::string_view rest) {
  return encoded("/functions/", name).append(rest);
}

std::string worker_path(std::string_view id, std::string_view rest) {
  return encoded("/workers/", id).append(rest);
}

}  // namespace hearth::cli
