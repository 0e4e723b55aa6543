// What the worker's client and the launcher say to each other: requests downstream, notices upstream.
// codec.h turns them into packets and back; client.h and server.h are the two ends. Values, free of
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace hearth::launcher {

// Descriptors travel beside a start request, in this order, absent ones left out; `present` has one
// bit for each. An assignment comes with the code folder alone.
enum class DescriptorSlot : std::uint8_t { kCodeFolder, kRequests, kOut, kErr, kAnswers };
inline constexpr std::size_t kMaxDescriptors = 5;

struct StartRequest {
  sandbox::Spec spec;
  std::uint8_t present = 0;  // bit n: the descriptor of DescriptorSlot n is in the packet

  bool operator==(const StartRequest&) const = default;
};

struct AssignRequest {
  std::string name;
  sandbox::Limits limits;

  bool operator==(const AssignRequest&) const = default;
};

struct SetLimitsRequest {
  std::string name;
  sandbox::Limits limits;

  bool operator==(const SetLimitsRequest&) const = default;
};

struct RemoveRequest {
  std::string name;

  bool operator==(const RemoveRequest&) const = default;
};

using Request = std::variant<StartRequest, AssignRequest, SetLimitsRequest, RemoveRequest>;

// The launcher's first words: swept and ready for requests.
struct Ready {
  std::uint32_t swept = 0;

  bool operator==(const Ready&) const = default;
};

// The launcher's only words when it cannot begin.
struct Unready {
  base::Error error;

  bool operator==(const Unready&) const = default;
};

// Of sandbox::Control, which travels beside the notice of a start, in this order.
inline constexpr std::uint8_t kFreezerPresent = 1;
inline constexpr std::uint8_t kMemoryPresent = 2;

struct Started {
  std::string name;
  std::uint8_t present = 0;  // which of them are in the packet

  bool operator==(const Started&) const = default;
};

struct NotStarted {
  std::string name;
  base::Error error;

  bool operator==(const NotStarted&) const = default;
};

struct Assigned {
  std::string name;

  bool operator==(const Assigned&) const = default;
};

struct NotAssigned {
  std::string name;
  base::Error error;

  bool operator==(const NotAssigned&) const = default;
};

// The old limits hold.
struct LimitsRefused {
  std::string name;
  base::Error error;

  bool operator==(const LimitsRefused&) const = default;
};

struct Exited {
  sandbox::Exit exit;

  bool operator==(const Exited&) const = default;
};

using Notice =
    std::variant<Ready, Unready, Started, NotStarted, Assigned, NotAssigned, LimitsRefused, Exited>;

}  // namespace hearth::launcher
