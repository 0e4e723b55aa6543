// The head of an answer against arbitrary bytes: it stays inside them, and a head that is cut is never taken
// for a whole one. The first byte says where the cut is.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/answer_head.h"

namespace {

using hearth::http::AnswerHead;
using hearth::http::HeadState;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check_whole(std::string_view bytes, const AnswerHead& head) {
  require(head.bytes >= 16 && head.bytes <= bytes.size() && head.bytes <= hearth::http::kAnswerHeadBytes);
  require(bytes.substr(0, head.bytes).ends_with("\r\n\r\n"));
  require(head.status >= 100 && head.status <= 599);
  require(head.fields.data() >= bytes.data());
  require(head.fields.data() + head.fields.size() <= bytes.data() + head.bytes);
  require(!head.header("Transfer-Encoding"));
  for (const std::string_view name : {"Content-Length", "Hearth-Meta", "A", ""}) {
    const auto value = head.header(name);
    require(!value || value->find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  AnswerHead whole;
  const HeadState state = hearth::http::read_answer_head(bytes, whole);
  if (state == HeadState::kComplete) {
    check_whole(bytes, whole);
  }
  const std::size_t cut = data[0] * bytes.size() / 256;
  AnswerHead part;
  const HeadState before = hearth::http::read_answer_head(bytes.substr(0, cut), part);
  if (state == HeadState::kComplete) {
    require(before == (cut < whole.bytes ? HeadState::kIncomplete : HeadState::kComplete));
  }
  if (state == HeadState::kIncomplete) {
    require(before == HeadState::kIncomplete);
  }
  return 0;
}
