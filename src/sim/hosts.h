// The simulated workers as the rest of a platform reaches them: by the address in an allocation, until they
// are lost. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/execution.h"
#include "sim/sim_instances.h"
#include "sim/sim_messaging.h"
#include "worker/worker.h"

namespace hearth::sim {

struct Host {
  std::unique_ptr<SimInstances> instances;
  std::unique_ptr<worker::Worker> worker;
  SimMessaging* messaging = nullptr;
  bool lost = false;       // it is silent
  bool forgotten = false;  // and everybody knows
  std::uint64_t last_execution = 0;
  // Who waits for an answer from it, by the number of the execution.
  std::map<std::uint64_t, std::shared_ptr<model::ExecutionObserver>> awaited;
};

using Hosts = std::vector<Host>;

std::string address_of(std::size_t host);
// The host with this address, one of address_of()'s.
Host& host_at(Hosts& hosts, const std::string& address);
// The platform gives a lost host up: the calls that wait for it have failed.
void forget(Host& host);

}  // namespace hearth::sim
