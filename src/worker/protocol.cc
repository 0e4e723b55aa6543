#include "worker/protocol.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>
#include <utility>

namespace hearth::worker::protocol {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

constexpr std::size_t kTypeAt = 4;
constexpr std::size_t kInvocationAt = 8;
constexpr std::size_t kDurationBytes = 4;
constexpr std::size_t kInvokeFixedBytes = 6;
constexpr std::size_t kInitFixedBytes = 4;
// A payload is gathered as it arrives: an announced length alone takes no more memory than this.
constexpr std::size_t kReserveBytes = 64 * base::kKiB;

template <typename Number>
void put(char* out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    out[i] = static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}

template <typename Number>
Number get(const char* in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  return static_cast<Number>(value);
}

void put_header(char* out, FrameType type, std::uint64_t invocation, std::size_t payload_bytes) {
  std::memset(out, 0, kHeaderBytes);
  put(out, static_cast<std::uint32_t>(payload_bytes));
  out[kTypeAt] = static_cast<char>(type);
  put(out + kInvocationAt, invocation);
}

Error corrupt(std::string message) { return Error{ErrorCode::kCorrupt, std::move(message)}; }

Result<boost::json::object> parse_object(std::string_view text, std::string_view what) {
  boost::system::error_code error;
  auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) {
    return corrupt(std::string(what) + " carries no JSON object");
  }
  return std::move(value.get_object());
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<model::FunctionError> decode_function_error(std::string_view text, std::string_view what) {
  auto object = parse_object(text, what);
  if (!object) {
    return object.error();
  }
  return model::FunctionError{text_of(*object, "type"), text_of(*object, "message"),
                              text_of(*object, "stack")};
}

std::optional<model::OutcomeKind> outcome_of(char kind) {
  switch (static_cast<ErrorKind>(kind)) {
    case ErrorKind::kThrew:
      return model::OutcomeKind::kThrew;
    case ErrorKind::kBadInput:
      return model::OutcomeKind::kBadInput;
    case ErrorKind::kBadOutput:
      return model::OutcomeKind::kBadOutput;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(FrameType type) {
  switch (type) {
    case FrameType::kInit:
      return "init";
    case FrameType::kInvoke:
      return "invoke";
    case FrameType::kCollect:
      return "collect";
    case FrameType::kReady:
      return "ready";
    case FrameType::kLoaded:
      return "loaded";
    case FrameType::kInitError:
      return "init_error";
    case FrameType::kResult:
      return "result";
    case FrameType::kError:
      return "error";
    case FrameType::kLog:
      return "log";
    case FrameType::kCompiled:
      return "compiled";
  }
  return "unknown";
}

Result<std::optional<Frame>> FrameReader::read(std::string_view& bytes) {
  if (failed_) {
    return *failed_;
  }
  if (header_bytes_ < kHeaderBytes) {
    const std::size_t part = std::min(kHeaderBytes - header_bytes_, bytes.size());
    bytes.copy(header_.data() + header_bytes_, part);
    header_bytes_ += part;
    bytes.remove_prefix(part);
    if (header_bytes_ < kHeaderBytes) {
      return std::optional<Frame>();
    }
    if (auto begun = begin_frame(); !begun) {
      return fail(begun.error());
    }
  }
  const std::size_t part = std::min(payload_bytes_ - frame_.payload.size(), bytes.size());
  frame_.payload.append(bytes.substr(0, part));
  bytes.remove_prefix(part);
  if (frame_.payload.size() < payload_bytes_) {
    return std::optional<Frame>();
  }
  header_bytes_ = 0;
  if (frame_.type == FrameType::kCompiled) {
    compiled_bytes_.reset();
  }
  return std::optional<Frame>(std::exchange(frame_, Frame()));
}

// The longest payload that the platform takes for a type; nothing for what a shim never sends, or not now.
std::optional<std::uint64_t> FrameReader::payload_bound(std::uint8_t type) const {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kReady:
      return kMaxReadyBytes;
    case FrameType::kLoaded:
      return 0;
    case FrameType::kInitError:
    case FrameType::kError:
      return kMaxErrorBytes;
    case FrameType::kLog:
      return 1 + kMaxLogBytes;
    case FrameType::kResult:
      return kDurationBytes + response_bytes_;
    case FrameType::kCompiled:
      return compiled_bytes_;
    case FrameType::kInit:
    case FrameType::kInvoke:
    case FrameType::kCollect:
      break;
  }
  return std::nullopt;
}

Result<void> FrameReader::begin_frame() {
  const auto type = static_cast<std::uint8_t>(header_[kTypeAt]);
  const auto bound = payload_bound(type);
  if (!bound) {
    return corrupt("a frame of type " + std::to_string(type) + ", which no runtime sends unasked");
  }
  if (header_[5] != 0 || header_[6] != 0 || header_[7] != 0) {
    return corrupt("a frame with reserved bits set");
  }
  frame_.type = static_cast<FrameType>(type);
  frame_.invocation = get<std::uint64_t>(header_.data() + kInvocationAt);
  payload_bytes_ = get<std::uint32_t>(header_.data());
  if (payload_bytes_ > *bound) {
    const auto code = frame_.type == FrameType::kResult ? ErrorCode::kTooLarge : ErrorCode::kCorrupt;
    return Error{code, std::string(to_string(frame_.type)) + " frame of " + std::to_string(payload_bytes_) +
                           " bytes; the limit is " + std::to_string(*bound)};
  }
  frame_.payload.reserve(std::min(payload_bytes_, kReserveBytes));
  return {};
}

Result<std::optional<Frame>> FrameReader::fail(Error error) {
  failed_ = error;
  return error;
}

Result<std::string> encode_init(const Init& init, std::size_t compiled_bytes) {
  boost::json::object environment;
  for (const auto& [name, value] : init.environment) {
    environment[name] = value;
  }
  const boost::json::object fields = {
      {"protocol", kVersion},
      {"functionName", init.function_name},
      {"functionId", init.function_id},
      {"functionVersion", init.function_version},
      {"handler", init.handler},
      {"memoryLimitMb", init.memory_mb},
      {"timeoutMs", init.timeout_ms},
      {"codePath", init.code_path},
      {"environment", environment},
      {"concurrency", init.concurrency},
      {"compileCacheBytes", init.compile_cache_bytes},
  };
  const std::string text = boost::json::serialize(fields);
  if (text.size() > kMaxInitBytes) {
    return Error{ErrorCode::kTooLarge, "an init frame of " + std::to_string(text.size()) +
                                           " bytes; the limit is " + std::to_string(kMaxInitBytes)};
  }
  std::string head(kHeaderBytes + kInitFixedBytes, '\0');
  put_header(head.data(), FrameType::kInit, 0, kInitFixedBytes + text.size() + compiled_bytes);
  put(head.data() + kHeaderBytes, static_cast<std::uint32_t>(text.size()));
  return head + text;
}

InvokeHead encode_invoke_head(std::uint64_t invocation, std::uint32_t remaining_ms,
                              std::string_view request_id, std::size_t body_bytes) {
  request_id = request_id.substr(0, kMaxRequestIdBytes);
  InvokeHead head;
  char* const fixed = head.bytes.data() + kHeaderBytes;
  put_header(head.bytes.data(), FrameType::kInvoke, invocation,
             kInvokeFixedBytes + request_id.size() + body_bytes);
  put(fixed, remaining_ms);
  put(fixed + 4, static_cast<std::uint16_t>(request_id.size()));
  request_id.copy(fixed + kInvokeFixedBytes, request_id.size());
  head.size = kHeaderBytes + kInvokeFixedBytes + request_id.size();
  return head;
}

std::uint64_t call_of(std::string_view frame) {
  return frame.size() < kHeaderBytes ? 0 : get<std::uint64_t>(frame.data() + kInvocationAt);
}

std::string encode_frame(FrameType type, std::uint64_t invocation, std::string_view payload) {
  std::string frame(kHeaderBytes, '\0');
  put_header(frame.data(), type, invocation, payload.size());
  frame += payload;
  return frame;
}

Result<Ready> decode_ready(std::string_view payload) {
  auto object = parse_object(payload, "a ready frame");
  if (!object) {
    return object.error();
  }
  const auto* protocol = object->if_contains("protocol");
  if (protocol == nullptr || !protocol->is_int64() || protocol->get_int64() != kVersion) {
    return corrupt("the runtime does not speak protocol version " + std::to_string(kVersion));
  }
  return Ready{kVersion, text_of(*object, "runtime"), text_of(*object, "compiles")};
}

Result<model::FunctionError> decode_init_error(std::string_view payload) {
  return decode_function_error(payload, "an init_error frame");
}

Result<Answer> decode_result(std::string payload) {
  if (payload.size() <= kDurationBytes) {
    return corrupt("a result frame without a result");
  }
  Answer answer;
  answer.handler_us = get<std::uint32_t>(payload.data());
  payload.erase(0, kDurationBytes);
  answer.outcome.output = std::move(payload);
  return answer;
}

Result<Answer> decode_error(std::string_view payload) {
  if (payload.size() <= kDurationBytes) {
    return corrupt("an error frame without an error");
  }
  const auto kind = outcome_of(payload[kDurationBytes]);
  if (!kind) {
    return corrupt("an error frame of an unknown kind");
  }
  auto error = decode_function_error(payload.substr(kDurationBytes + 1), "an error frame");
  if (!error) {
    return error.error();
  }
  Answer answer;
  answer.handler_us = get<std::uint32_t>(payload.data());
  answer.outcome.kind = *kind;
  answer.outcome.error = std::move(*error);
  return answer;
}

Result<model::LogChunk> decode_log(std::string_view payload) {
  if (payload.empty() || (payload[0] != 1 && payload[0] != 2)) {
    return corrupt("a log frame of an unknown stream");
  }
  const auto stream = payload[0] == 1 ? model::LogStream::kOut : model::LogStream::kErr;
  return model::LogChunk{stream, std::string(payload.substr(1))};
}

}  // namespace hearth::worker::protocol
