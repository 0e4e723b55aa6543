// The head of an answer, of a server that is known to be one of ours: strict, small and quick. What it does
// not take (other codings, other versions) our servers do not send. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hearth::http {

inline constexpr std::size_t kAnswerHeadBytes = 16 * 1024;

struct AnswerHead {
  int status = 0;
  std::uint64_t content_length = 0;
  bool chunked = false;  // its body comes in chunks instead
  bool keep_alive = true;
  std::string_view fields;  // the lines after the first, each with its end
  std::size_t bytes = 0;    // of it all, with the blank line

  // The value of the first field of that name, without spaces around it.
  std::optional<std::string_view> header(std::string_view name) const;
};

enum class HeadState { kIncomplete, kComplete, kMalformed };

// Looks at the beginning of `bytes`; views into them. kMalformed also for a head that is larger than
// kAnswerHeadBytes.
HeadState read_answer_head(std::string_view bytes, AnswerHead& head);

}  // namespace hearth::http
