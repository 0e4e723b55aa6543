#include "http/api_key.h"

namespace hearth::http {
namespace {

bool same_secret(std::string_view given, std::string_view expected) {
  if (given.size() != expected.size()) {
    return false;
  }
  volatile unsigned char differing = 0;  // volatile: no comparison is left out
  for (std::size_t i = 0; i < given.size(); ++i) {
    differing = static_cast<unsigned char>(differing | (given[i] ^ expected[i]));
  }
  return differing == 0;
}

}  // namespace

bool carries_key(const RequestHead& head, std::string_view key) {
  if (key.empty()) {
    return true;
  }
  if (const auto given = head.header("X-Api-Key")) {
    return same_secret(*given, key);
  }
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view value = head.header("Authorization").value_or("");
  return value.starts_with(kScheme) && same_secret(value.substr(kScheme.size()), key);
}

}  // namespace hearth::http
