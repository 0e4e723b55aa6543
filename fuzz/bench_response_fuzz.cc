// What a measured server answers, into hearth bench's scanner: whole and cut at any place it must come to
// the same end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bench/load/answer_text.h"
#include "bench/load/response_scanner.h"

namespace {

using hearth::bench::ResponseScanner;

void expect(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = (data[0] * 256U + data[1]) % (bytes.size() + 1);
  ResponseScanner whole;
  const std::size_t used = whole.feed(bytes);
  expect(used == bytes.size() || whole.done() || whole.broken());
  ResponseScanner parts;
  std::size_t used_in_parts = parts.feed(bytes.substr(0, cut));
  if (used_in_parts == cut) {
    used_in_parts += parts.feed(bytes.substr(cut));
  }
  expect(whole.done() == parts.done());
  if (whole.done()) {
    expect(used == used_in_parts && whole.status() == parts.status());
    expect(whole.body_bytes() == parts.body_bytes() && whole.body_end() == parts.body_end());
    (void)hearth::bench::start_in(whole.body_end());
    (void)hearth::bench::handler_ms_in(whole.body_end());
    (void)hearth::bench::reason_in(whole.status(), whole.body_begin());
  }
  whole.end();
  return 0;
}
