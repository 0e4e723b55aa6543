#include "tests/simulation/store_port.h"

#include <limits>
#include <utility>

namespace hearth::simulation {

using store::Backlog;
using store::Claimed;
using store::Lease;

std::vector<model::AsyncExecution> everything_in(store::ExecutionStore& store) {
  store::ExecutionFilter all;
  all.limit = std::numeric_limits<std::int32_t>::max();
  return store.list(all).value();
}

template <typename Value>
base::Result<Value> StorePort::ask(const std::function<base::Result<Value>()>& work,
                                   const std::function<void(const base::Result<Value>&)>& note) {
  const base::Error unavailable{base::ErrorCode::kUnavailable, "the store does not answer"};
  const double fate = dice_.share();
  if (faults_.down || fate < faults_.refused) {
    return unavailable;
  }
  auto result = work();
  note(result);
  return fate < faults_.refused + faults_.unknown ? base::Result<Value>(unavailable) : std::move(result);
}

base::Result<store::ExecutionStore::Written> StorePort::write(const Writes& writes) {
  return ask<Written>(
      [&] { return store_.write(writes); },
      [&](const base::Result<Written>& written) { book_.wrote(process_, writes, written.value()); });
}

base::Result<std::vector<Claimed>> StorePort::claim(const store::ClaimRequest& request) {
  return ask<std::vector<Claimed>>([&] { return store_.claim(request); },
                                   [&](const base::Result<std::vector<Claimed>>& claimed) {
                                     book_.claimed(process_, request, claimed.value());
                                   });
}

base::Result<std::vector<Lease>> StorePort::extend(std::span<const Lease> leases, std::int64_t until_ms) {
  return ask<std::vector<Lease>>([&] { return store_.extend(leases, until_ms); },
                                 [&](const base::Result<std::vector<Lease>>& lost) {
                                   book_.extended(process_, leases, until_ms, lost.value());
                                 });
}

base::Result<std::optional<std::int64_t>> StorePort::next_due(model::ExecutionKind kind) {
  return ask<std::optional<std::int64_t>>([&] { return store_.next_due(kind); }, [](const auto&) {});
}

base::Result<model::AsyncExecution> StorePort::find(std::string_view id) {
  return ask<model::AsyncExecution>(
      [&] { return store_.find(id); },
      [&](const base::Result<model::AsyncExecution>& found) { book_.found(id, found); });
}

base::Result<std::vector<model::AsyncExecution>> StorePort::list(const store::ExecutionFilter& filter) {
  return ask<std::vector<model::AsyncExecution>>([&] { return store_.list(filter); }, [](const auto&) {});
}

base::Result<model::AsyncExecution> StorePort::cancel(std::string_view id, std::int64_t now_ms) {
  return ask<model::AsyncExecution>(
      [&] { return store_.cancel(id, now_ms); },
      [&](const base::Result<model::AsyncExecution>& result) { book_.cancelled(id, now_ms, result); });
}

base::Result<model::AsyncExecution> StorePort::redrive(std::string_view id, std::int64_t now_ms) {
  return ask<model::AsyncExecution>(
      [&] { return store_.redrive(id, now_ms); },
      [&](const base::Result<model::AsyncExecution>& result) { book_.redriven(id, now_ms, result); });
}

base::Result<std::vector<Backlog>> StorePort::redrive_dead(const model::FunctionId& function_id,
                                                           std::int64_t now_ms, std::size_t limit) {
  return ask<std::vector<Backlog>>([&] { return store_.redrive_dead(function_id, now_ms, limit); },
                                   [&](const base::Result<std::vector<Backlog>>& result) {
                                     book_.redrove_dead(function_id, now_ms, result.value());
                                   });
}

base::Result<std::vector<Backlog>> StorePort::backlog() {
  return ask<std::vector<Backlog>>([&] { return store_.backlog(); }, [](const auto&) {});
}

base::Result<std::size_t> StorePort::release_all(std::int64_t now_ms) {
  return ask<std::size_t>(
      [&] { return store_.release_all(now_ms); },
      [&](const base::Result<std::size_t>& count) { book_.released_all(now_ms, count.value()); });
}

base::Result<void> StorePort::bring_forward(std::int64_t latest_ms, std::int64_t now_ms) {
  const auto done = ask<bool>(
      [&]() -> base::Result<bool> {
        const auto brought = store_.bring_forward(latest_ms, now_ms);
        return brought ? base::Result<bool>(true) : brought.error();
      },
      [&](const base::Result<bool>&) { book_.brought_forward(latest_ms, now_ms); });
  return done ? base::Result<void>() : done.error();
}

base::Result<std::size_t> StorePort::remove_ended(std::int64_t before_ms, std::size_t most_kept,
                                                  std::size_t limit) {
  return ask<std::size_t>([&] { return store_.remove_ended(before_ms, most_kept, limit); },
                          [&](const base::Result<std::size_t>& count) {
                            if (count.value() > 0) {
                              book_.removed(before_ms, most_kept, *count, everything_in(store_));
                            }
                          });
}

}  // namespace hearth::simulation
