#include "sim/platform.h"

#include <algorithm>
#include <utility>

namespace hearth::sim {
namespace {

// Each has a sequence of its own, so that one draw more here changes nothing there.
constexpr std::uint64_t kPlatformSeed = 0x706c6174;
constexpr std::uint64_t kNamesSeed = 0x6e616d65;
constexpr std::uint64_t kHostSeed = 0x686f7374;

}  // namespace

Platform::Platform(const Settings& settings, const Functions& functions, SimLoop& loop)
    : settings_(settings),
      functions_(functions),
      loop_(loop),
      dice_(settings.seed ^ kPlatformSeed),
      names_(settings.seed ^ kNamesSeed),
      net_(settings.messaging, settings.gateways + settings.workers, loop),
      warm_(functions.size(), loop),
      hosts_(settings.workers),
      gateways_(settings.gateways) {
  for (Gateway& gateway : gateways_) {
    dispatch::DispatcherOptions options;
    options.instances_here = false;
    options.cores = std::max(1U, settings_.workers * settings_.cores / settings_.gateways);
    gateway.loop = std::make_unique<CoarseLoop>(loop_);
    gateway.link = std::make_unique<SimLink>(hosts_, settings_.messaging.round_trip, loop_);
    gateway.messaging = &net_.add_gateway();
    gateway.dispatcher =
        std::make_unique<dispatch::Dispatcher>(options, *gateway.messaging, *gateway.link, *gateway.loop);
  }
  for (std::size_t place = 0; place < hosts_.size(); ++place) {
    add_host(place);
  }
}

// What the workers' timers and the messages hold goes with the loop, which nobody runs any more.
Platform::~Platform() = default;

void Platform::add_host(std::size_t place) {
  Host& host = hosts_[place];
  host.messaging = &net_.add_worker();
  host.instances =
      std::make_unique<SimInstances>(functions_, loop_, Dice(settings_.seed ^ (kHostSeed + (place << 32U))),
                                     warm_, settings_.overcommit > 1);
  worker::WorkerOptions options;
  options.uri = address_of(place);
  options.memory_mb = settings_.memory_mb;
  options.shared = true;
  options.overcommit = settings_.overcommit;
  options.keep_alive = {settings_.keep_alive_policy,
                        std::chrono::ceil<std::chrono::milliseconds>(settings_.keep_alive),
                        std::chrono::ceil<std::chrono::milliseconds>(settings_.keep_alive_longest)};
  host.worker = std::make_unique<worker::Worker>(options, *host.instances, *host.messaging, loop_, names_);
  host.messaging->subscribe(*host.worker);
}

void Platform::open() {
  for (Host& host : hosts_) {
    host.worker->open();
  }
  if (settings_.messaging.announce_again.count() == 0) {
    return;
  }
  for (std::size_t place = 0; place < hosts_.size(); ++place) {
    const double first_us = dice_.share() * static_cast<double>(settings_.messaging.announce_again.count());
    announce_again_from(place, loop_.now() + std::chrono::microseconds(static_cast<std::int64_t>(first_us)));
  }
}

// Each server is looked at by itself, and each tells the worker to announce everything, wherever it goes.
void Platform::announce_again_from(std::size_t place, base::TimePoint when) {
  loop_.at(when, [this, place, when] {
    hosts_[place].messaging->announce_again();
    announce_again_from(place, when + settings_.messaging.announce_again / settings_.messaging.servers);
  });
}

void Platform::call(std::uint32_t function, dispatch::Dispatcher::Done done) {
  Gateway& gateway = gateways_[dice_.below(static_cast<std::uint32_t>(gateways_.size()))];
  ++gateway.counts.calls;
  gateway.dispatcher->invoke({functions_.version(function), {}, {}, nullptr}, std::move(done));
}

void Platform::lose_workers(std::uint32_t count) {
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < hosts_.size(); ++place) {
    if (!hosts_[place].lost) {
      places.push_back(place);
    }
  }
  for (std::uint32_t i = 0; i < count && !places.empty(); ++i) {
    const std::size_t at = dice_.below(static_cast<std::uint32_t>(places.size()));
    Host& host = hosts_[places[at]];
    places[at] = places.back();
    places.pop_back();
    host.lost = true;
    host.instances->lose();
    net_.lose(*host.messaging);
    loop_.at(loop_.now() + settings_.loss.worker_timeout, [this, &host] {
      net_.forget_one_worker();
      forget(host);
    });
  }
}

std::vector<GatewayCounts> Platform::gateways() const {
  std::vector<GatewayCounts> counts;
  for (const Gateway& gateway : gateways_) {
    GatewayCounts each = gateway.counts;
    each.messages = gateway.messaging->messages();
    counts.push_back(each);
  }
  return counts;
}

bool Platform::ledgers_are_exact() const {
  return std::ranges::all_of(hosts_, [](const Host& host) { return host.worker->ledger_is_exact(); });
}

}  // namespace hearth::sim
