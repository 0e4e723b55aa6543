// What one invocation wrote to stdout and stderr, kept up to a bound. Loop thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/outcome.h"

namespace hearth::worker {

class LogCapture {
 public:
  // `limit_bytes`: of text, and of a small charge for each change between the streams, so that memory
  // stays bounded however the writes alternate.
  explicit LogCapture(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Keeps what fits; the rest is lost, and the record says so.
  void add(model::LogStream stream, std::string_view bytes);

  // True when what is kept of stderr contains `text`.
  bool err_contains(std::string_view text) const;

  // Hands over what was captured and begins anew.
  model::CapturedLogs take();

 private:
  std::uint64_t limit_bytes_;
  std::uint64_t used_bytes_ = 0;
  model::CapturedLogs logs_;
};

}  // namespace hearth::worker
