// Finds where an HTTP answer ends, as its bytes come: status, length, chunks. It checks no more than a
// client that counts calls must, keeps the first and the last bytes of the body alone, and allocates
// nothing once it has seen a head cut in two. Pure; one a connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::bench {

class ResponseScanner {
 public:
  enum class State { kHead, kLength, kChunks, kToEnd, kDone, kBroken };
  static constexpr std::size_t kHeadBytes = 64 * 1024;  // of a status line and headers
  static constexpr std::size_t kKeptBytes = 1024;       // of the body's beginning, and of its end
  static constexpr std::size_t kInstanceBytes = 64;

  // Ready for the next answer.
  void reset();

  // How many bytes belong to this answer; when that is fewer than given, the answer is done or broken.
  std::size_t feed(std::string_view bytes);
  // The peer has closed: whether the answer is whole all the same.
  bool end();

  State state() const { return state_; }
  bool done() const { return state_ == State::kDone; }
  bool broken() const { return state_ == State::kBroken; }
  bool started() const { return state_ != State::kHead || !carried_.empty(); }

  // When done().
  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  // X-Hearth-Instance, cut to kInstanceBytes; empty where the platform does not say.
  std::string_view instance() const { return {instance_.data(), instance_size_}; }
  std::string_view body_begin() const { return {begin_.data(), begin_size_}; }
  std::string_view body_end() const { return {end_.data(), end_size_}; }

 private:
  enum class Chunk { kSize, kExtension, kData, kDataEnd, kTrailer, kTrailerLine };

  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_chunks(std::string_view bytes);
  std::size_t feed_data(std::string_view bytes);
  void take_chunk_byte(char byte);
  void take_size_byte(char byte);
  void read_head(std::string_view head);
  bool read_status_line(std::string_view line);
  void read_header(std::string_view line);
  void begin_body();
  void keep(std::string_view piece);

  State state_ = State::kHead;
  Chunk chunk_ = Chunk::kSize;
  int status_ = 0;
  bool keep_alive_ = true;
  bool chunked_ = false;
  bool has_length_ = false;
  bool has_digit_ = false;
  std::uint64_t left_ = 0;  // of the body, or of the chunk
  std::uint64_t body_bytes_ = 0;
  std::string carried_;  // a head that has come in part
  std::size_t begin_size_ = 0;
  std::size_t end_size_ = 0;
  std::size_t instance_size_ = 0;
  std::array<char, kInstanceBytes> instance_;
  std::array<char, kKeptBytes> begin_;
  std::array<char, kKeptBytes> end_;
};

}  // namespace hearth::bench
