#include "launcher/codec.h"

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace hearth::launcher {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

// The first byte of a packet.
enum class Kind : std::uint8_t {
  kStart = 1,
  kSetLimits = 2,
  kRemove = 3,
  kAssign = 4,
  kReady = 16,
  kUnready = 17,
  kStarted = 18,
  kNotStarted = 19,
  kLimitsRefused = 20,
  kExited = 21,
  kAssigned = 22,
  kNotAssigned = 23,
};

constexpr auto kLastErrorCode = static_cast<std::uint8_t>(ErrorCode::kInternal);
constexpr auto kLastExitReason = static_cast<std::uint8_t>(sandbox::ExitReason::kRemoved);
constexpr std::uint8_t kWholeControl = kFreezerPresent | kMemoryPresent;
constexpr std::uint8_t kAllPresent = (1U << kMaxDescriptors) - 1;

// Writes fields one after the other; remembers the first that is over its bound.
class Writer {
 public:
  explicit Writer(Kind kind) { integer(static_cast<std::uint8_t>(kind)); }

  template <std::unsigned_integral T>
  void integer(T value) {
    for (std::size_t shift = 0; shift < sizeof(T) * 8; shift += 8) {
      bytes_.push_back(static_cast<char>((value >> shift) & 0xFFU));
    }
  }

  void text(std::string_view what, std::string_view value, std::size_t bound) {
    check(what, value.size(), bound);
    integer(static_cast<std::uint32_t>(value.size()));
    bytes_.append(value);
  }

  void texts(std::string_view what, const std::vector<std::string>& values, std::size_t count_bound,
             std::size_t bound) {
    check(what, values.size(), count_bound);
    integer(static_cast<std::uint32_t>(values.size()));
    for (const std::string& value : values) {
      text(what, value, bound);
    }
  }

  void name(std::string_view value) { text("name", value, kMaxNameBytes); }

  void error(const Error& value) {
    integer(static_cast<std::uint8_t>(value.code));
    text("error", std::string_view(value.message).substr(0, kMaxErrorBytes), kMaxErrorBytes);
  }

  void limits(const sandbox::Limits& value) {
    integer(value.memory_bytes);
    integer(value.cpu_weight);
    integer(value.cpu_millicores);
    integer(value.processes);
    integer(value.open_files);
    integer(value.tmp_bytes);
    integer(value.tmp_files);
  }

  Result<std::string> finish() && {
    check("message", bytes_.size(), kMaxMessageBytes);
    if (!over_.empty()) {
      return Error{ErrorCode::kTooLarge, std::move(over_)};
    }
    return std::move(bytes_);
  }

 private:
  void check(std::string_view what, std::size_t size, std::size_t bound) {
    if (size > bound && over_.empty()) {
      over_ = std::string(what) + ": " + std::to_string(size) + " is over the launcher's bound of " +
              std::to_string(bound);
    }
  }

  std::string bytes_;
  std::string over_;
};

// Reads fields one after the other. After the first that does not fit, everything reads as empty and
// finish() refuses the message.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T integer() {
    if (broken_ || rest_.size() < sizeof(T)) {
      broken_ = true;
      return 0;
    }
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>(value | (static_cast<T>(static_cast<unsigned char>(rest_[i])) << (8 * i)));
    }
    rest_.remove_prefix(sizeof(T));
    return value;
  }

  // An integer that must not be over `last`.
  std::uint8_t choice(std::uint8_t last) {
    const auto value = integer<std::uint8_t>();
    broken_ = broken_ || value > last;
    return value;
  }

  std::string text(std::size_t bound) {
    const auto size = integer<std::uint32_t>();
    if (broken_ || size > bound || size > rest_.size()) {
      broken_ = true;
      return {};
    }
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }

  std::vector<std::string> texts(std::size_t count_bound, std::size_t bound) {
    std::vector<std::string> values;
    const auto count = integer<std::uint32_t>();
    broken_ = broken_ || count > count_bound;
    for (std::uint32_t i = 0; i < count && !broken_; ++i) {
      values.push_back(text(bound));
    }
    return values;
  }

  std::string name() { return text(kMaxNameBytes); }

  Error error() {
    Error value;
    value.code = static_cast<ErrorCode>(choice(kLastErrorCode));
    value.message = text(kMaxErrorBytes);
    return value;
  }

  sandbox::Limits limits() {
    sandbox::Limits value;
    value.memory_bytes = integer<std::uint64_t>();
    value.cpu_weight = integer<std::uint32_t>();
    value.cpu_millicores = integer<std::uint32_t>();
    value.processes = integer<std::uint32_t>();
    value.open_files = integer<std::uint32_t>();
    value.tmp_bytes = integer<std::uint64_t>();
    value.tmp_files = integer<std::uint32_t>();
    return value;
  }

  bool whole() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool broken_ = false;
};

Result<std::string> encode_message(const StartRequest& start) {
  Writer out(Kind::kStart);
  out.integer(start.present);
  out.name(start.spec.name);
  out.text("program", start.spec.program, kMaxProgramBytes);
  out.texts("arguments", start.spec.arguments, kMaxArguments, kMaxArgumentBytes);
  out.texts("environment", start.spec.environment, kMaxVariables, kMaxVariableBytes);
  out.limits(start.spec.limits);
  return std::move(out).finish();
}

StartRequest decode_start(Reader& in) {
  StartRequest start;
  start.present = in.choice(kAllPresent);
  start.spec.name = in.name();
  start.spec.program = in.text(kMaxProgramBytes);
  start.spec.arguments = in.texts(kMaxArguments, kMaxArgumentBytes);
  start.spec.environment = in.texts(kMaxVariables, kMaxVariableBytes);
  start.spec.limits = in.limits();
  return start;
}

template <typename Change>
requires std::same_as<Change, AssignRequest> || std::same_as<Change, SetLimitsRequest> Result<std::string>
encode_message(const Change& change) {
  Writer out(std::same_as<Change, AssignRequest> ? Kind::kAssign : Kind::kSetLimits);
  out.name(change.name);
  out.limits(change.limits);
  return std::move(out).finish();
}

template <typename Change>
Change decode_change(Reader& in) {
  Change change;
  change.name = in.name();
  change.limits = in.limits();
  return change;
}

Result<std::string> encode_message(const RemoveRequest& remove) {
  Writer out(Kind::kRemove);
  out.name(remove.name);
  return std::move(out).finish();
}

Result<std::string> encode_message(const Ready& ready) {
  Writer out(Kind::kReady);
  out.integer(ready.swept);
  return std::move(out).finish();
}

Result<std::string> encode_message(const Unready& unready) {
  Writer out(Kind::kUnready);
  out.error(unready.error);
  return std::move(out).finish();
}

Result<std::string> encode_message(const Started& started) {
  Writer out(Kind::kStarted);
  out.name(started.name);
  out.integer(started.present);
  return std::move(out).finish();
}

Started decode_started(Reader& in) {
  Started started;
  started.name = in.name();
  started.present = in.choice(kWholeControl);
  return started;
}

Result<std::string> encode_message(const Assigned& assigned) {
  Writer out(Kind::kAssigned);
  out.name(assigned.name);
  return std::move(out).finish();
}

constexpr Kind kind_of(const NotStarted&) { return Kind::kNotStarted; }
constexpr Kind kind_of(const NotAssigned&) { return Kind::kNotAssigned; }
constexpr Kind kind_of(const LimitsRefused&) { return Kind::kLimitsRefused; }

template <typename Refusal>
requires requires(const Refusal& refusal) { kind_of(refusal); }
Result<std::string> encode_message(const Refusal& refusal) {
  Writer out(kind_of(refusal));
  out.name(refusal.name);
  out.error(refusal.error);
  return std::move(out).finish();
}

template <typename Refusal>
Refusal decode_refusal(Reader& in) {
  Refusal refusal;
  refusal.name = in.name();
  refusal.error = in.error();
  return refusal;
}

Result<std::string> encode_message(const Exited& exited) {
  Writer out(Kind::kExited);
  out.name(exited.exit.name);
  out.integer(static_cast<std::uint8_t>(exited.exit.reason));
  out.integer(static_cast<std::uint32_t>(exited.exit.code));
  out.integer(exited.exit.peak_memory_bytes);
  return std::move(out).finish();
}

Exited decode_exited(Reader& in) {
  Exited exited;
  exited.exit.name = in.name();
  exited.exit.reason = static_cast<sandbox::ExitReason>(in.choice(kLastExitReason));
  exited.exit.code = static_cast<int>(in.integer<std::uint32_t>());
  exited.exit.peak_memory_bytes = in.integer<std::uint64_t>();
  return exited;
}

Error corrupt(std::string_view what, std::string_view bytes) {
  return Error{ErrorCode::kCorrupt, "malformed " + std::string(what) + " of " + std::to_string(bytes.size()) +
                                        " bytes on the launcher's socket"};
}

}  // namespace

Result<std::string> encode(const Request& request) {
  return std::visit([](const auto& message) { return encode_message(message); }, request);
}

Result<std::string> encode(const Notice& notice) {
  return std::visit([](const auto& message) { return encode_message(message); }, notice);
}

Result<Request> decode_request(std::string_view bytes) {
  Reader in(bytes);
  Request request;
  switch (static_cast<Kind>(in.integer<std::uint8_t>())) {
    case Kind::kStart:
      request = decode_start(in);
      break;
    case Kind::kAssign:
      request = decode_change<AssignRequest>(in);
      break;
    case Kind::kSetLimits:
      request = decode_change<SetLimitsRequest>(in);
      break;
    case Kind::kRemove:
      request = RemoveRequest{in.name()};
      break;
    default:
      return corrupt("request", bytes);
  }
  if (!in.whole()) {
    return corrupt("request", bytes);
  }
  return request;
}

Result<Notice> decode_notice(std::string_view bytes) {
  Reader in(bytes);
  Notice notice;
  switch (static_cast<Kind>(in.integer<std::uint8_t>())) {
    case Kind::kReady:
      notice = Ready{in.integer<std::uint32_t>()};
      break;
    case Kind::kUnready:
      notice = Unready{in.error()};
      break;
    case Kind::kStarted:
      notice = decode_started(in);
      break;
    case Kind::kNotStarted:
      notice = decode_refusal<NotStarted>(in);
      break;
    case Kind::kAssigned:
      notice = Assigned{in.name()};
      break;
    case Kind::kNotAssigned:
      notice = decode_refusal<NotAssigned>(in);
      break;
    case Kind::kLimitsRefused:
      notice = decode_refusal<LimitsRefused>(in);
      break;
    case Kind::kExited:
      notice = decode_exited(in);
      break;
    default:
      return corrupt("notice", bytes);
  }
  if (!in.whole()) {
    return corrupt("notice", bytes);
  }
  return notice;
}

}  // namespace hearth::launcher
