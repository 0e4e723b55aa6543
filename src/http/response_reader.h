// Bytes in, one whole answer out: the client's side of the grammar, the head of which is Boost.Beast's. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "http/chunked_decoder.h"
#include "http/client.h"

namespace hearth::http {

inline constexpr std::size_t kResponseBodyBytes = 64 * 1024 * 1024;
inline constexpr std::uint32_t kResponseHeadBytes = 64 * 1024;
inline constexpr std::uint32_t kResponseTrailers = 100;

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

  bool done() const { return state_ == State::kDone; }
  // When done().
  bool keep_alive() const { return keep_alive_; }
  ClientResponse take() { return std::move(response_); }

 private:
  class Grammar;
  enum class State { kHead, kLength, kChunks, kToEnd, kDone };

  base::Result<std::size_t> feed_head(std::string_view bytes);
  base::Result<std::size_t> feed_body(std::string_view bytes);
  base::Result<void> begin_body();

  const bool head_only_;
  std::unique_ptr<Grammar> grammar_;
  State state_ = State::kHead;
  bool keep_alive_ = false;
  std::uint64_t body_left_ = 0;
  ChunkedDecoder chunks_{kResponseHeadBytes, kResponseTrailers};
  ClientResponse response_;
};

}  // namespace hearth::http
