// One simulated messaging server: what it holds, and one queue of commands before the one thread that
// executes them. Holding and costing are apart: whoever has a command executed admits it first, and changes
// what the server holds when it is done.
//
// Loop thread only; the clock is handed in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "messaging/messaging.h"
#include "sim/cold_queue.h"

namespace hearth::sim {

enum class Command : std::uint8_t {
  kTake,
  kAnnounceWarm,
  kAnnounceCold,
  kAnnounceAgain,  // of either kind, because everything is announced again
  kWithdraw,
  kDemand,
  kDemandAnswer,
  kDemandWithdrawn,
};
inline constexpr std::array kCommands = {
    Command::kTake,     Command::kAnnounceWarm, Command::kAnnounceCold, Command::kAnnounceAgain,
    Command::kWithdraw, Command::kDemand,       Command::kDemandAnswer, Command::kDemandWithdrawn};
std::string_view to_string(Command command);

// What a server spends its time with.
struct ServerCosts {
  double command_us = 10;
  double entry_us = 0.27;  // each entry of a list that a command walks
  double delivery_us = 1;  // each process that a publication goes to
  double idle_share = 1;   // what standing work (the looks of all processes) leaves of the server's time
};

// What there is to do for one command.
struct Work {
  std::size_t walked = 0;
  std::size_t deliveries = 0;
};

struct ServerCounts {
  std::array<std::uint64_t, kCommands.size()> commands{};
  double command_us = 0;
  double entry_us = 0;
  double delivery_us = 0;

  std::uint64_t of(Command command) const { return commands[static_cast<std::size_t>(command)]; }
  double busy_us() const { return command_us + entry_us + delivery_us; }
};

class MessagingServer {
 public:
  explicit MessagingServer(ServerCosts costs) : costs_(costs) {}

  // `times` commands of the same work arrive at `arrival`, none earlier than those before: when the first is
  // done. The others follow at spacing().
  base::TimePoint admit(Command command, base::TimePoint arrival, const Work& work, std::uint64_t times = 1);
  base::Duration spacing(const Work& work) const;
  // Until now every command was done when it arrived, and none was counted.
  void charge() { free_of_charge_ = false; }

  void push_warm(const model::VersionId& version, const model::Allocation& allocation);
  ColdQueue& cold() { return cold_; }
  std::optional<messaging::Taken> take(const model::VersionId& version, std::uint32_t memory_mb);
  void withdraw(const model::VersionId& version, const std::string& instance);
  void drop_version(const model::VersionId& version) { warm_.erase(version); }

  // Entries that each command walks.
  std::size_t walked_by_take(const model::VersionId& version, std::uint32_t memory_mb) const;
  std::size_t walked_by_announce(const model::VersionId& version) const;

  const ServerCounts& counts() const { return counts_; }

 private:
  double busy_us(const Work& work) const;

  ServerCosts costs_;
  std::unordered_map<model::VersionId, std::vector<model::Allocation>> warm_;  // newest last; none is empty
  ColdQueue cold_;
  base::TimePoint free_at_{};
  bool free_of_charge_ = true;
  ServerCounts counts_;
};

}  // namespace hearth::sim
