// The chunked transfer coding (RFC 9112, section 7.1), strictly: CR LF only, plain hexadecimal sizes,
// bounded lines, extensions and trailers (both are checked and dropped). Pure; no copy of the body.
//
// Used for requests and for answers. Beast's own decoder is not: an assertion of 1.81 fails when the
// last chunk arrives byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::http {

// Why a message cannot be taken; the connection cannot be used any further.
struct Refusal {
  int status = 400;
  std::string_view reason;  // a short machine word
  std::string message;
};

// One line of a chunk's size and extensions.
inline constexpr std::size_t kChunkLineBytes = 1024;

class ChunkedDecoder {
 public:
  enum class Kind { kNeedMore, kPiece, kEnd, kRefused };
  struct Step {
    Kind kind = Kind::kNeedMore;
    std::size_t consumed = 0;
    std::string_view piece;
  };

  // `header_bytes` bounds the trailers, and all extensions together; `header_count` the trailers.
  ChunkedDecoder(std::uint32_t header_bytes, std::uint32_t header_count)
      : header_bytes_(header_bytes), header_count_(header_count) {}

  Step next(std::string_view bytes);
  void reset();
  const Refusal& refusal() const { return refusal_; }

 private:
  enum class State { kSize, kData, kDataEnd, kTrailers, kDone, kRefused };

  // One state's work; whether another can follow at once.
  bool advance(std::string_view bytes, Step& step);
  bool take_size(std::string_view bytes, Step& step);
  bool take_data(std::string_view bytes, Step& step);
  bool take_data_end(std::string_view bytes, Step& step);
  bool take_trailer(std::string_view bytes, Step& step);
  bool check_extensions(std::string_view extensions);
  bool check_trailer(std::string_view line);
  // The line that `rest` begins with, without its end; false when it is not there or refused.
  bool find_line(std::string_view rest, std::size_t limit_bytes, std::string_view& line);
  bool refuse(int status, std::string_view reason, std::string message);  // always false

  const std::uint32_t header_bytes_;
  const std::uint32_t header_count_;
  State state_ = State::kSize;
  std::uint64_t left_ = 0;  // of the chunk
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::uint32_t trailers_ = 0;
  Refusal refusal_;
};

}  // namespace hearth::http
