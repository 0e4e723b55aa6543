// The head of an answer as text: status line, the handler's headers and the server's own. Pure; the
// time is handed in.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "http/message.h"

namespace hearth::http {

std::string_view reason_phrase(int status);

// The Date line, made once a second. One loop thread.
class DateLine {
 public:
  // "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
  std::string_view at(std::time_t now);

 private:
  std::time_t made_for_ = -1;
  std::string line_;
};

// Nothing when the response may be sent; else what is wrong with it, for the log: a status outside of
// 200 to 599, CR, LF or NUL in a header, a header that is the server's own.
std::string_view response_fault(const Response& response);

// 204 and 304 carry neither a body nor its length.
bool carries_body(const Response& response);

// How the connection goes on; said in the head where the version does not say it.
enum class Persistence { kImplied, kKeepAlive, kClose };
// How the body's end is told: by its length, by a last chunk, or by the connection's end.
enum class Framing { kLength, kChunked, kUntilClose };

// Replaces `head`, keeping its memory.
void write_head(const Response& response, std::string_view date_line, Persistence persistence,
                std::string& head, Framing framing = Framing::kLength);

// Adds a chunk of a body (RFC 9112, section 7.1) to `text`; nothing for an empty piece, which would be the
// last.
void add_chunk(std::string& text, std::string_view piece);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace hearth::http
