// Bytes in, one whole answer out: the client's side of the grammar, a shell around Boost.Beast. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "http/client.h"

namespace hearth::http {

inline constexpr std::size_t kResponseBodyBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kResponseHeadBytes = 64 * 1024;

class ResponseReader {
 public:
  // `head_only`: the request was a HEAD, so the answer has no body whatever its headers say.
  explicit ResponseReader(bool head_only);
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;
  ~ResponseReader();

  // How many bytes were used; the rest comes again with more behind it. Interim answers (1xx) are
  // passed over. kTooLarge, kCorrupt.
  base::Result<std::size_t> feed(std::string_view bytes);
  // The peer has closed. kIo when the answer is not complete.
  base::Result<void> end();

  bool started() const;
  bool done() const;
  bool keep_alive() const;
  // When done(); once.
  ClientResponse take();

 private:
  class Grammar;

  const bool head_only_;
  std::unique_ptr<Grammar> grammar_;
};

}  // namespace hearth::http
