// The request parser against arbitrary bytes: it stays inside them, makes progress, ends, and decides the
// same however they are cut. The first byte says where the cut is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/request_parser.h"

namespace {

using hearth::http::RequestParser;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

struct Outcome {
  std::string seen;  // targets, headers and bodies of all requests
  int refused_with = 0;
};

void note_head(const hearth::http::RequestHead& head, std::string& seen) {
  seen.append(to_string(head.method)).append(" ").append(head.target);
  for (const auto& header : head.headers) {
    seen.append("\n").append(header.name).append(":").append(header.value);
    require(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  require(!(head.chunked && head.content_length.has_value()));
}

Outcome parse(std::string_view bytes, std::size_t cut) {
  RequestParser parser({.header_bytes = 1024, .target_bytes = 128, .header_count = 8});
  Outcome outcome;
  std::size_t used = 0;
  for (const std::size_t available : {cut, bytes.size()}) {
    for (bool more = true; more;) {
      const std::string_view view = bytes.substr(used, available - used);
      const RequestParser::Step step = parser.next(view);
      require(step.consumed <= view.size());
      require(step.piece.empty() || (step.piece.data() >= view.data() &&
                                     step.piece.data() + step.piece.size() <= view.data() + step.consumed));
      used += step.consumed;
      outcome.seen.append(step.piece);
      switch (step.kind) {
        case RequestParser::Kind::kNeedMore:
          more = false;
          break;
        case RequestParser::Kind::kHead:
          note_head(parser.head(), outcome.seen);
          break;
        case RequestParser::Kind::kBody:
          require(!step.piece.empty());
          break;
        case RequestParser::Kind::kEnd:
          outcome.seen.append("\n--\n");
          parser.reset();
          more = used < available;
          break;
        case RequestParser::Kind::kRefused:
          outcome.refused_with = parser.refusal().status;
          return outcome;
      }
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(bytes, bytes.size());
  const Outcome cut = parse(bytes, bytes.empty() ? 0 : data[0] * bytes.size() / 256);
  // A limit may be met at another byte of a refused request, so only what was accepted must agree.
  require((whole.refused_with == 0) == (cut.refused_with == 0));
  require(whole.refused_with != 0 || whole.seen == cut.seen);
  return 0;
}
