#include "monitor/monitor.h"

#include <utility>

#include "base/log.h"
#include "base/on_pool.h"

namespace hearth::monitor {

Monitor::Monitor(std::chrono::milliseconds sweep_interval, MonitorParts parts)
    : sweep_interval_(sweep_interval), parts_(std::move(parts)) {}

Monitor::~Monitor() { parts_.loop.cancel(sweep_timer_); }

void Monitor::start() { sweep_soon(); }

MonitorCounts Monitor::counts() const {
  MonitorCounts counts = counts_;
  counts.members = watch_.members();
  return counts;
}

void Monitor::looked(const std::vector<model::Member>& members) {
  for (const MemberEvent& event : watch_.look(members)) {
    const model::Member& member = event.member;
    spdlog::log(event.fate == MemberFate::kLost ? spdlog::level::warn : spdlog::level::info,
                "members: {} {}{}{}, release {}", member.id, to_string(event.fate),
                member.uri.empty() ? "" : ", at ", member.uri, member.release);
    if (event.fate == MemberFate::kLost && member.worker) {
      lost(event);
    }
  }
}

void Monitor::lost(const MemberEvent& event) {
  ++counts_.workers_lost;
  if (!event.uri_is_free) {
    return;
  }
  parts_.directory.drop_entries(
      event.member.uri,
      [this, id = event.member.id, alive = std::weak_ptr<bool>(alive_)](base::Result<std::size_t> dropped) {
        if (alive.expired()) {
          return;
        }
        if (!dropped) {
          spdlog::warn("members: what {} had announced stays until it is tried: {}", id,
                       dropped.error().message);
          return;
        }
        counts_.entries_dropped += *dropped;
        spdlog::info("members: {} allocations that {} had announced are taken away", *dropped, id);
      });
}

void Monitor::sweep_soon() {
  sweep_timer_ = parts_.loop.at(parts_.loop.now() + sweep_interval_, [this] {
    sweep_timer_ = 0;
    sweep();
  });
}

void Monitor::sweep() {
  base::on_pool<void>(parts_.pool, parts_.loop, parts_.sweep_code,
                      [this, alive = std::weak_ptr<bool>(alive_)](const base::Result<void>& result) {
                        if (!alive.expired()) {
                          swept(result);
                        }
                      });
}

void Monitor::swept(const base::Result<void>& result) {
  ++(result ? counts_.code_sweeps : counts_.code_sweeps_failed);
  if (!result) {
    spdlog::warn("code that no function has is not removed now: {}", result.error().message);
  }
  sweep_soon();
}

}  // namespace hearth::monitor
