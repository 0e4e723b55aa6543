#include "sandbox/linux/start_pool.h"

#include <string>
#include <utility>

#include "sandbox/linux/network_namespace.h"

namespace hearth::sandbox {

StartPool::StartPool(CgroupTree& cgroups, NatNetwork* nat, uid_t uid_base, std::uint32_t uid_count)
    : cgroups_(cgroups), nat_(nat), uid_base_(uid_base), uids_(uid_base, uid_count) {}

base::Result<PreparedStart> StartPool::take(const Limits& limits) {
  failed_ = false;
  if (ready_.empty()) {
    return make(limits);
  }
  PreparedStart taken = std::move(ready_.front());
  ready_.pop_front();
  auto done = taken.cgroup->set_limits(limits);
  if (done) {
    done = taken.cgroup->set_processes(limits.processes);
  }
  if (!done) {
    give_back(taken.uid, std::move(taken.cgroup));
    return done.error();
  }
  return taken;
}

void StartPool::give_back(uid_t uid, std::unique_ptr<Cgroup> cgroup) {
  if (nat_ != nullptr) {
    nat_->disconnect(uid - uid_base_);
  }
  remains_.push_back({uid, std::move(cgroup)});
  remove_remains();
}

void StartPool::remove_remains() {
  std::erase_if(remains_, [this](const Remains& remains) {
    const bool gone = remains.cgroup == nullptr || remains.cgroup->remove();
    if (gone) {
      uids_.give_back(remains.uid);
    }
    return gone;
  });
}

bool StartPool::prepare() {
  if (failed_ || ready_.size() >= kPreparedStarts) {
    return false;
  }
  auto made = make(Limits{});
  if (!made) {
    failed_ = true;
    return false;
  }
  ready_.push_back(std::move(*made));
  return ready_.size() < kPreparedStarts;
}

base::Result<PreparedStart> StartPool::make(const Limits& limits) {
  remove_remains();
  const auto uid = uids_.take();
  if (!uid) {
    return base::Error{base::ErrorCode::kExhausted, "every uid for sandboxes is in use"};
  }
  auto cgroup = cgroups_.create(std::to_string(*uid), limits);
  if (!cgroup) {
    uids_.give_back(*uid);
    return cgroup.error();
  }
  auto network = make_network_namespace();
  auto connected =
      network && nat_ != nullptr ? nat_->connect(*uid - uid_base_, network->get()) : base::Result<void>();
  if (!network || !connected) {
    give_back(*uid, std::move(*cgroup));
    return network ? connected.error() : network.error();
  }
  return PreparedStart{*uid, std::move(*cgroup), std::move(*network)};
}

}  // namespace hearth::sandbox
