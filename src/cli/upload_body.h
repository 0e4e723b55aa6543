// A deploy's JSON body, its zip turned into base64 as it is read: a 50 MB upload holds 48 KB. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::cli {

class UploadBody {
 public:
  // `before`: JSON up to the base64 text. `zip_fd` is read from its beginning, `zip_bytes` of it, and
  // stays the caller's.
  UploadBody(std::string before, int zip_fd, std::uint64_t zip_bytes);

  std::uint64_t size() const;
  // Fills `buffer`; 0 at the end. kIo, also when the file has become shorter.
  base::Result<std::size_t> read(char* buffer, std::size_t size);

 private:
  base::Result<void> refill();

  std::uint64_t total_bytes_ = 0;
  int zip_fd_;
  std::uint64_t zip_bytes_;
  std::uint64_t zip_read_ = 0;
  bool ended_ = false;
  std::string ready_;  // encoded, not yet handed out
  std::size_t ready_at_ = 0;
};

}  // namespace hearth::cli
