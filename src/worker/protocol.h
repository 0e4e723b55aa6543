// The bytes of the runtime protocol (runtimes/protocol.md): frames between the platform and the shim
// inside an instance.
//
// A pure codec, used by InstanceChannel for the platform's side and by the conformance suite. What is
// read was written by code that nobody trusts: every length is bounded before a byte is kept. Any
// thread, one at a time for a reader.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "model/outcome.h"

namespace hearth::worker::protocol {

inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kMaxInitBytes = base::kMiB;
inline constexpr std::size_t kMaxReadyBytes = base::kKiB;
inline constexpr std::size_t kMaxErrorBytes = 256 * base::kKiB;  // init_error and error
inline constexpr std::size_t kMaxLogBytes = 64 * base::kKiB;     // of one log frame
inline constexpr std::size_t kMaxRequestIdBytes = 128;

enum class FrameType : std::uint8_t {
  kInit = 1,
  kInvoke = 2,
  kCollect = 3,
  kReady = 129,
  kLoaded = 130,
  kInitError = 131,
  kResult = 132,
  kError = 133,
  kLog = 134,
  kCompiled = 135,
};
std::string_view to_string(FrameType type);

// What the shim sent. `payload` is undecoded.
struct Frame {
  FrameType type = FrameType::kReady;
  std::uint64_t invocation = 0;
  std::string payload;

  bool operator==(const Frame&) const = default;
};

// Takes frames of the shim out of a stream of bytes that comes in pieces of any size.
class FrameReader {
 public:
  // `response_bytes`: the longest JSON text that a result may carry.
  explicit FrameReader(std::uint64_t response_bytes) : response_bytes_(response_bytes) {}

  // Consumes from the front of `bytes`, at most one frame; nothing when the frame needs more bytes.
  // kCorrupt (unknown type, reserved bits, a length no such frame may have), kTooLarge (a result over
  // its bound). After an error every call repeats it.
  base::Result<std::optional<Frame>> read(std::string_view& bytes);

  // One compiled frame may come, with so many bytes. Without this, and after it, one is kCorrupt.
  void expect_compiled(std::uint64_t most_bytes) { compiled_bytes_ = most_bytes; }

  // True when a frame has begun and is not complete.
  bool mid_frame() const { return header_bytes_ > 0; }

 private:
  base::Result<void> begin_frame();
  std::optional<std::uint64_t> payload_bound(std::uint8_t type) const;
  base::Result<std::optional<Frame>> fail(base::Error error);

  std::uint64_t response_bytes_;
  std::optional<std::uint64_t> compiled_bytes_;  // of the compiled frame that may come
  std::array<char, kHeaderBytes> header_{};
  std::size_t header_bytes_ = 0;   // of header_, so far
  std::size_t payload_bytes_ = 0;  // announced
  Frame frame_;
  std::optional<base::Error> failed_;
};

// What the function is, for its one initialisation.
struct Init {
  std::string function_name;
  std::string function_id;
  std::uint32_t function_version = 1;
  std::string handler;
  std::uint32_t memory_mb = 0;
  std::uint32_t timeout_ms = 0;
  std::string code_path;
  std::map<std::string, std::string> environment;
  std::uint32_t concurrency = 1;
  std::uint64_t compile_cache_bytes = 0;  // what the shim may send when it is asked; 0: it never is
};

// The frame up to what an earlier instance has compiled, which follows as it is. kTooLarge over kMaxInitBytes
// without that.
base::Result<std::string> encode_init(const Init& init, std::size_t compiled_bytes = 0);

// An invoke frame up to its body, which follows as it is. A request id over kMaxRequestIdBytes is cut.
struct InvokeHead {
  std::array<char, kHeaderBytes + 6 + kMaxRequestIdBytes> bytes;
  std::size_t size = 0;

  std::string_view view() const { return {bytes.data(), size}; }
};
InvokeHead encode_invoke_head(std::uint64_t invocation, std::uint32_t remaining_ms,
                              std::string_view request_id, std::size_t body_bytes);

// The invocation that a frame belongs to; 0 when these bytes are no whole header.
std::uint64_t call_of(std::string_view frame);

// A frame of the shim, for tests and for shims written in C++. `payload` is not checked.
std::string encode_frame(FrameType type, std::uint64_t invocation, std::string_view payload);

struct Ready {
  std::uint32_t protocol = 0;
  std::string runtime;   // "node v20.1.0"
  std::string compiles;  // names what it compiles code to: fit for whoever says the same. Empty: nothing

  bool operator==(const Ready&) const = default;
};

enum class ErrorKind : std::uint8_t { kThrew = 0, kBadInput = 1, kBadOutput = 2 };

// A result or an error, with the handler's duration as the shim measured it.
struct Answer {
  model::Outcome outcome;
  std::uint32_t handler_us = 0;

  bool operator==(const Answer&) const = default;
};

// All of these: kCorrupt for a payload that is not what runtimes/protocol.md says.
base::Result<Ready> decode_ready(std::string_view payload);
base::Result<model::FunctionError> decode_init_error(std::string_view payload);
base::Result<Answer> decode_result(std::string payload);
base::Result<Answer> decode_error(std::string_view payload);
base::Result<model::LogChunk> decode_log(std::string_view payload);

}  // namespace hearth::worker::protocol
