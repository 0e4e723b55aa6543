// Text written piece by piece into memory that is made large enough once: for what every answer has, as
// growing a string by many small pieces costs several times as much. Pure.
#pragma once

#include <cassert>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::base {

class TextWriter {
 public:
  // Digits and sign of any number that is put.
  static constexpr std::size_t kNumberBytes = 20;

  // Writes behind what `text` holds, `most_bytes` at most. `text` has its size when the writer has ended.
  TextWriter(std::string& text, std::size_t most_bytes) : text_(text), begin_(text.size()) {
    text_.resize(begin_ + most_bytes);
    at_ = text_.data() + begin_;
  }
  TextWriter(const TextWriter&) = delete;
  TextWriter& operator=(const TextWriter&) = delete;
  ~TextWriter() {
    assert(at_ <= text_.data() + text_.size());
    text_.resize(static_cast<std::size_t>(at_ - text_.data()));
  }

  TextWriter& put(std::string_view text) {
    at_ += text.copy(at_, text.size());
    return *this;
  }
  TextWriter& put(char c) {
    *at_++ = c;
    return *this;
  }
  TextWriter& put_number(std::int64_t number) {
    at_ = std::to_chars(at_, at_ + kNumberBytes, number).ptr;
    return *this;
  }

 private:
  std::string& text_;
  const std::size_t begin_;
  char* at_;
};

}  // namespace hearth::base
