// Bytes in, steps of one request out: head, pieces of the body, end. Boost.Beast's parser does the
// grammar of the head; what it is lenient about and a front door must not be (RFC 9112, sections 3 to 6: bare
// line feeds, folded lines, doubled lengths, codings other than "chunked") is refused in here.
//
// Stands between a connection's read buffer and the handler. Pure: no socket, no clock, no copy of
// the body. Its connection's loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/chunked_decoder.h"
#include "http/message.h"

namespace hearth::http {

struct HeadLimits {
  std::uint32_t header_bytes = 32 * 1024;  // request line and headers together; trailers as well
  std::uint32_t target_bytes = 8 * 1024;
  std::uint32_t header_count = 100;
};

// A client may send this many empty lines before a request (RFC 9112, section 2.2).
inline constexpr int kLeadingEmptyLines = 1;

class RequestParser {
 public:
  enum class Kind {
    kNeedMore,  // come again with the bytes left over and more behind them
    kHead,      // head() is complete
    kBody,      // `piece` is the next part of the body, inside the bytes given
    kEnd,       // the request is complete; what is left over belongs to the next one
    kRefused,   // refusal() says why
  };
  struct Step {
    Kind kind = Kind::kNeedMore;
    std::size_t consumed = 0;  // drop so many bytes from the front (after using `piece`)
    std::string_view piece;
  };

  explicit RequestParser(HeadLimits limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  ~RequestParser();

  // The next step that `bytes` (everything received and not yet consumed) allows.
  Step next(std::string_view bytes);
  // Makes ready for the next request of the connection.
  void reset();

  // From kHead on. The head may be moved out after kHead; its memory may come back when it is of no more use.
  RequestHead& head() { return head_; }
  void take_memory(RequestHead&& used);
  bool body_announced() const { return head_.chunked || head_.content_length.value_or(0) > 0; }
  bool http11() const { return facts_.http11; }
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }
  // The whole request has been parsed.
  bool finished() const { return finished_; }
  const Refusal& refusal() const { return refusal_; }

 private:
  class Grammar;  // the shell around Beast's parser
  // What the strict checks ask about.
  struct Facts {
    bool http11 = false;
    std::uint32_t hosts = 0;
    std::uint32_t lengths = 0;
    std::uint32_t codings = 0;
    std::uint32_t expectations = 0;
  };
  enum class HeadScan { kIncomplete, kComplete, kRefused };

  Step next_head(std::string_view bytes);
  Step next_body(std::string_view bytes);
  Step next_chunk(std::string_view bytes);
  HeadScan scan_head(std::string_view bytes);
  HeadScan scan_line(std::string_view bytes, std::size_t line_end);
  HeadScan hold_limits(std::size_t bytes);
  bool parse_head(std::string_view bytes);
  bool check_head();
  bool check_host();
  bool check_body_headers();
  bool check_transfer_coding(std::string_view codings);
  bool check_target();
  bool check_expect();
  Refusal start_line_refusal(std::string_view bytes) const;
  bool refuse(int status, std::string_view reason, std::string message);  // always false
  Step refused();

  const HeadLimits limits_;
  std::unique_ptr<Grammar> grammar_;
  RequestHead head_;
  Refusal refusal_;
  Facts facts_;
  ChunkedDecoder chunks_;
  std::uint64_t body_left_ = 0;  // of a body with a Content-Length
  bool head_done_ = false;
  bool chunked_ = false;
  bool finished_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  int leading_lines_ = 0;
  // Where the search for the end of the head stands, so that no byte is looked at twice.
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t lines_ = 0;
  std::size_t head_end_ = 0;
};

}  // namespace hearth::http
