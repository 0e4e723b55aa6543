#include "worker/log_capture.h"

#include <algorithm>
#include <utility>

namespace hearth::worker {
namespace {

constexpr std::uint64_t kChunkChargeBytes = 64;  // what a chunk takes beside its text

}  // namespace

void LogCapture::add(model::LogStream stream, std::string_view bytes) {
  if (bytes.empty() || logs_.truncated) {
    return;
  }
  const bool new_chunk = logs_.chunks.empty() || logs_.chunks.back().stream != stream;
  // The first chunk is free: a limit of n bytes keeps n bytes of a single stream.
  const std::uint64_t charge = new_chunk && !logs_.chunks.empty() ? kChunkChargeBytes : 0;
  if (used_bytes_ + charge >= limit_bytes_) {
    logs_.truncated = true;
    return;
  }
  used_bytes_ += charge;
  const std::uint64_t room = limit_bytes_ - used_bytes_;
  if (bytes.size() > room) {
    bytes = bytes.substr(0, room);
    logs_.truncated = true;
  }
  if (new_chunk) {
    logs_.chunks.push_back({stream, {}});
  }
  logs_.chunks.back().text += bytes;
  used_bytes_ += bytes.size();
}

bool LogCapture::err_contains(std::string_view text) const {
  return std::any_of(logs_.chunks.begin(), logs_.chunks.end(), [text](const model::LogChunk& chunk) {
    return chunk.stream == model::LogStream::kErr && chunk.text.find(text) != std::string::npos;
  });
}

model::CapturedLogs LogCapture::take() {
  used_bytes_ = 0;
  return std::exchange(logs_, {});
}

}  // namespace hearth::worker
