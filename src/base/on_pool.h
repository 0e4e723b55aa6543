// Work that blocks, for who lives on a loop.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/bring_back.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "base/work_pool.h"

namespace hearth::base {

// Runs `job` on the pool and `done` on `home` with what it returned; with kExhausted, soon, when the pool has
// no place for it. Never inside the call. `home` outlives the pool.
template <typename Value>
void on_pool(WorkPool& pool, EventLoop& home, std::function<Result<Value>()> job,
             std::function<void(Result<Value>)> done) {
  auto told = bring_back(home, std::move(done));
  if (auto taken = pool.submit([job = std::move(job), told] { told(job()); }); !taken) {
    told(taken.error());
  }
}

// The same for who may be gone by then: `done` is not called once `alive` has expired.
template <typename Value>
void on_pool(WorkPool& pool, EventLoop& home, std::weak_ptr<bool> alive, std::function<Result<Value>()> job,
             std::function<void(Result<Value>)> done) {
  on_pool<Value>(pool, home, std::move(job),
                 [done = std::move(done), alive = std::move(alive)](Result<Value> result) {
                   if (!alive.expired()) {
                     done(std::move(result));
                   }
                 });
}

}  // namespace hearth::base
