// SHA-256 in pieces, by OpenSSL. One thread at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace hearth::base {

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void add(std::string_view bytes);
  // 64 lower-case hex digits. Call once; nothing may be added after it.
  std::string finish();

 private:
  evp_md_ctx_st* const context_;
};

// Two lower-case digits a byte.
std::string hex(std::span<const unsigned char> bytes);
// Whether `text` can be a digest at all: what is not never becomes part of a path.
bool is_sha256(std::string_view text);

}  // namespace hearth::base
