// A simulated platform composed: gateways with a dispatcher each, workers, and what lies between them. It is
// called, sampled, and loses workers. Dispatcher and worker are those that serve.
//
// One thread, on the one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/random.h"
#include "dispatch/dispatcher.h"
#include "sim/dice.h"
#include "sim/functions.h"
#include "sim/hosts.h"
#include "sim/messaging_net.h"
#include "sim/settings.h"
#include "sim/sim_link.h"
#include "sim/sim_loop.h"
#include "sim/warm_functions.h"

namespace hearth::sim {

// What a gateway has done, for its use of a processor.
struct GatewayCounts {
  std::uint64_t calls = 0;
  std::uint64_t messages = 0;  // of messaging, sent and received
};

class Platform {
 public:
  // Everything outlives it.
  Platform(const Settings& settings, const Functions& functions, SimLoop& loop);
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  ~Platform();

  // The workers offer their memory. Once.
  void open();
  // From now on messaging takes its time.
  void charge() { net_.charge(); }

  // One call, at a gateway by chance.
  void call(std::uint32_t function, dispatch::Dispatcher::Done done);

  // So many workers, by chance, are silent from now on, and forgotten after the worker time-out.
  void lose_workers(std::uint32_t count);

  const Hosts& hosts() const { return hosts_; }
  // Those of workers that are lost are counted on.
  const WarmFunctions& warm_functions() const { return warm_; }
  const MessagingNet& messaging() const { return net_; }
  std::vector<GatewayCounts> gateways() const;
  // total == free + Σ reservations, on every worker.
  bool ledgers_are_exact() const;

 private:
  struct Gateway {
    std::unique_ptr<CoarseLoop> loop;
    std::unique_ptr<SimLink> link;
    SimMessaging* messaging = nullptr;
    std::unique_ptr<dispatch::Dispatcher> dispatcher;
    GatewayCounts counts;
  };

  void add_host(std::size_t place);
  void announce_again_from(std::size_t place, base::TimePoint when);

  const Settings settings_;
  const Functions& functions_;
  SimLoop& loop_;
  Dice dice_;
  base::SeededRandom names_;
  MessagingNet net_;
  WarmFunctions warm_;
  Hosts hosts_;
  std::vector<Gateway> gateways_;
};

}  // namespace hearth::sim
