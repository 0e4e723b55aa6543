// A process of a platform as the others know it: the card that it keeps in the directory of members
// (messaging/member_directory.h). A pure value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::model {

enum class MemberRole : std::uint8_t {
  kServe,  // gateway and worker in one
  kGateway,
  kWorker,
  kMonitor,
  kOther,  // of a release that knows more roles than this one
};
std::string_view to_string(MemberRole role);
MemberRole member_role(std::string_view text);

enum class MemberState : std::uint8_t {
  kServing,
  kDraining,  // takes nothing new, finishes what it has
  kLeft,      // has ended as it should: it is gone, and not lost
};
std::string_view to_string(MemberState state);
// What another release calls otherwise is taken to be serving.
MemberState member_state(std::string_view text);

// total = free + busy + what idle instances hold.
struct WorkerLoad {
  std::uint32_t memory_total_mb = 0;
  std::uint32_t memory_free_mb = 0;  // given to no function; what is offered as cold allocations is of it
  std::uint32_t memory_busy_mb = 0;  // of instances that start, execute, or did within the last moment
  std::uint32_t memory_busy_peak_mb = 0;  // the most of it within --load-window
  std::uint32_t cold_allocations = 0;
  std::map<std::string, std::uint32_t> instances;  // by state's name, the cold ones left out
  std::uint32_t versions = 0;                      // of functions that it has instances of

  bool operator==(const WorkerLoad&) const = default;
};

struct GatewayLoad {
  std::uint32_t calls_waiting = 0;
  std::uint32_t calls_running = 0;
  std::uint32_t memory_waited_mb = 0;       // of callers that wait for memory, or were refused for want of it
  std::uint32_t memory_waited_peak_mb = 0;  // the most of it within --load-window

  bool operator==(const GatewayLoad&) const = default;
};

struct Member {
  std::string id;  // a word, of this start of the process: "worker-7k3v9x"
  MemberRole role = MemberRole::kOther;
  MemberState state = MemberState::kServing;
  std::string uri;  // what other hosts reach its worker by; empty: it has none, or nobody is elsewhere
  std::string release;
  std::int64_t started_ms = 0;         // Unix time
  std::uint64_t beat = 0;              // counts the cards up: of two of one process the larger is the newer
  std::optional<WorkerLoad> worker;    // of who has a worker
  std::optional<GatewayLoad> gateway;  // of who has a gateway

  bool operator==(const Member&) const = default;
};

}  // namespace hearth::model
