#include "cli/upload_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/base64.h"

namespace hearth::cli {
namespace {

constexpr std::string_view kAfter = "\"}";
constexpr std::size_t kPieceBytes = 36 * 1024;  // a multiple of three: no padding before the end

}  // namespace

UploadBody::UploadBody(std::string before, int zip_fd, std::uint64_t zip_bytes)
    : zip_fd_(zip_fd), zip_bytes_(zip_bytes), ready_(std::move(before)) {
  total_bytes_ = ready_.size() + (zip_bytes + 2) / 3 * 4 + kAfter.size();
}

std::uint64_t UploadBody::size() const { return total_bytes_; }

base::Result<void> UploadBody::refill() {
  ready_at_ = 0;
  if (zip_read_ == zip_bytes_) {
    ready_ = ended_ ? "" : kAfter;
    ended_ = true;
    return {};
  }
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, zip_bytes_ - zip_read_)),
                    '\0');
  std::size_t filled = 0;
  while (filled < piece.size()) {
    const ssize_t count = ::pread(zip_fd_, piece.data() + filled, piece.size() - filled,
                                  static_cast<off_t>(zip_read_ + filled));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return count < 0 ? base::io_error("cannot read the zip", errno)
                       : base::Error{base::ErrorCode::kIo, "the zip became shorter while it was read"};
    }
    filled += static_cast<std::size_t>(count);
  }
  zip_read_ += filled;
  ready_ = base::base64_encode(piece);
  return {};
}

base::Result<std::size_t> UploadBody::read(char* buffer, std::size_t size) {
  if (ready_at_ == ready_.size()) {
    if (auto filled = refill(); !filled) {
      return filled.error();
    }
  }
  const std::size_t count = std::min(size, ready_.size() - ready_at_);
  std::memcpy(buffer, ready_.data() + ready_at_, count);
  ready_at_ += count;
  return count;
}

}  // namespace hearth::cli
