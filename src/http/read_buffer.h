// The bytes of one connection that have been received and not yet used: consumed at the front, filled
// at the back, small while the connection is idle. Loop thread only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace hearth::http {

class ReadBuffer {
 public:
  static constexpr std::size_t kSmallBytes = 4 * 1024;  // what an idle connection keeps

  explicit ReadBuffer(std::size_t limit_bytes) : limit_bytes_(limit_bytes) { allocate(kSmallBytes); }

  std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  bool empty() const { return begin_ == end_; }
  bool full() const { return end_ - begin_ == limit_bytes_; }
  std::size_t capacity() const { return capacity_; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  void drop() { begin_ = end_; }

  // Makes room to read into; larger, up to the limit, when the last read filled what there was. Moves
  // the bytes: not while a read is under way or a piece is lent out.
  void make_room() {
    if (begin_ > 0) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (filled_ && capacity_ < limit_bytes_) {
      const std::unique_ptr<char[]> old = std::move(bytes_);
      allocate(std::min(limit_bytes_, 4 * capacity_));
      std::memcpy(bytes_.get(), old.get(), end_);
    }
    filled_ = false;
  }

  // Gives back what a large body needed. Not while a read is under way or a piece is lent out.
  void shrink() {
    if (capacity_ > kSmallBytes && empty()) {
      allocate(kSmallBytes);
      begin_ = end_ = 0;
      filled_ = false;
    }
  }

  char* room() { return bytes_.get() + end_; }
  std::size_t room_bytes() const { return capacity_ - end_; }
  void commit(std::size_t bytes) {
    end_ += bytes;
    filled_ = end_ == capacity_;
  }

 private:
  void allocate(std::size_t bytes) {
    bytes_ = std::make_unique_for_overwrite<char[]>(bytes);
    capacity_ = bytes;
  }

  const std::size_t limit_bytes_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool filled_ = false;  // the last read left no room
};

}  // namespace hearth::http
