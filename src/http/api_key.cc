#include "http/api_key.h"

#include <openssl/crypto.h>

namespace hearth::http {
namespace {

bool same_secret(std::string_view given, std::string_view expected) {
  return given.size() == expected.size() &&
         CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0;
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
