// Several calls in one request, and their outcomes in packets as they come: so that calls which a gateway has
// at the same moment cost a worker one message, and their answers cost the gateway one. Pure.
//
//   POST /calls    lines "TARGET BODY_BYTES", each a call's target (wire.h) with its body behind the line
//   its answer     packets "MAC BYTES", each with outcomes behind the line: "INDEX STATUS BODY_BYTES META",
//                  with a body as a single call's answer has; INDEX counts the request's calls from 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/auth.h"
#include "cluster/wire.h"
#include "model/execution.h"

namespace hearth::cluster {

inline constexpr std::string_view kCallsTarget = "/calls";
// In one request.
inline constexpr std::size_t kCallsMost = 64;
// A body of one of them; a larger one travels alone.
inline constexpr std::size_t kCallBodyBytes = model::kBehindBodyBytes;
// What says which call it is.
inline constexpr std::size_t kCallLineBytes = 512;
inline constexpr std::uint64_t kCallsBytes = kCallsMost * (kCallBodyBytes + kCallLineBytes);

void add_call(std::string& body, std::string_view target, std::string_view call_body);

struct AskedCall {
  InstanceRequest asked;
  std::string_view body;
};
// Views into `body`. Nothing when it is malformed, or has none or more than kCallsMost.
std::optional<std::vector<AskedCall>> read_calls(std::string_view body);

// How one of them ended.
struct CallAnswer {
  std::size_t index = 0;
  int status = 0;
  std::string_view meta;
  std::string_view body;
};
void add_answer(std::string& packet, std::size_t index, int status, std::string_view meta,
                std::initializer_list<std::string_view> body);
// Views into `packet`. Nothing when it is malformed.
std::optional<std::vector<CallAnswer>> read_answers(std::string_view packet);

// The line before a packet.
std::string packet_line(Seal& answers, std::string_view packet);

// Takes packets out of a stream of bytes.
class PacketReader {
 public:
  enum class State { kIncomplete, kPacket, kForged };

  // Packets of at most so many bytes.
  explicit PacketReader(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  void add(std::string_view bytes);
  // Whether a whole packet has come: packet() until the next call. kForged: it is not what the worker has
  // sent.
  State next(Seal& answers);
  std::string_view packet() const { return packet_; }
  // Nothing has begun.
  bool empty() const { return used_ == bytes_.size(); }
  // For tests: what it keeps.
  std::size_t bytes_kept() const { return bytes_.size(); }

 private:
  const std::uint64_t most_bytes_;
  std::string bytes_;
  std::size_t used_ = 0;  // of them, by packets that were told
  std::string_view packet_;
};

}  // namespace hearth::cluster
