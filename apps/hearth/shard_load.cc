#include "apps/hearth/shard_load.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/bring_back.h"

namespace hearth {
namespace {

struct Sum {
  std::size_t missing = 0;
  membership::Load load;
  std::set<model::VersionId> versions;
  std::function<void(membership::Load)> done;

  void add(const model::WorkerLoad& more) {
    model::WorkerLoad& sum = load.worker ? *load.worker : load.worker.emplace();
    sum.memory_total_mb += more.memory_total_mb;
    sum.memory_free_mb += more.memory_free_mb;
    sum.memory_busy_mb += more.memory_busy_mb;
    sum.cold_allocations += more.cold_allocations;
    for (const auto& [state, count] : more.instances) {
      sum.instances[state] += count;
    }
  }
  void add(const model::GatewayLoad& more) {
    model::GatewayLoad& sum = load.gateway ? *load.gateway : load.gateway.emplace();
    sum.calls_waiting += more.calls_waiting;
    sum.calls_running += more.calls_running;
    sum.memory_waited_mb += more.memory_waited_mb;
  }
  void add(ShardLoad more) {
    if (more.load.worker) {
      add(*more.load.worker);
    }
    if (more.load.gateway) {
      add(*more.load.gateway);
    }
    versions.merge(more.versions);
    if (--missing > 0) {
      return;
    }
    if (load.worker) {
      load.worker->versions = static_cast<std::uint32_t>(versions.size());
    }
    done(std::move(load));
  }
};

}  // namespace

void gather_load(base::Reactor& home, const std::vector<std::unique_ptr<Shard>>& shards,
                 std::function<void(membership::Load)> done) {
  const auto sum = std::make_shared<Sum>();
  sum->missing = shards.size();
  sum->done = std::move(done);
  for (std::size_t i = 1; i < shards.size(); ++i) {
    auto told = base::bring_back(home, std::function([sum](ShardLoad load) { sum->add(std::move(load)); }));
    shards[i]->loop().post([&shard = *shards[i], told] { told(shard.load()); });
  }
  sum->add(shards.front()->load());
}

}  // namespace hearth
