// One instance seen from the worker: a container of one version that was started, loads its handler
// once and then executes invocations, as many at once as its version says. It may be started before a version
// is known for it (pre-started): its runtime boots, and it waits.
//
// The worker's heart (worker.h) decides when to start, invoke and stop; how that is done is behind
// these interfaces: SandboxedInstanceFactory for real (code cache, sandbox, framed socket), a fake in
// the heart's tests. Loop thread only. Events never come from inside a call to Instance.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/event_loop.h"
#include "model/function.h"
#include "model/outcome.h"
#include "model/request_id.h"
#include "worker/instance_kind.h"

namespace hearth::worker {

// What an invocation needs inside the instance.
struct InstanceCall {
  std::uint32_t slot = 0;       // below the version's concurrency, and free; comes back with the answer
  model::RequestId request_id;  // shown to the handler as its context's requestId
  std::shared_ptr<const std::string>
      body;  // raw bytes; empty means `undefined` for the handler. Shared: outlives the caller
  base::TimePoint latest = base::TimePoint::max();  // as if its time-out had passed, when this is sooner

  // What the handler is told that remains for it, when it begins now.
  std::uint32_t remaining_ms(const model::Version& version, const base::EventLoop& loop) const {
    if (latest == base::TimePoint::max()) {
      return version.timeout_ms;
    }
    const auto left = std::chrono::floor<std::chrono::milliseconds>(latest - loop.now());
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left.count(), 0, version.timeout_ms));
  }
};

// How one call ended.
struct FinishedCall {
  std::uint32_t slot = 0;
  model::Outcome outcome;
  model::CapturedLogs logs;
  std::int64_t run_us = 0;      // as the platform saw it
  std::int64_t handler_us = 0;  // as the shim measured it
  // No: no further call may come. The instance ends (ended() follows) when the last of its calls has.
  bool reusable = false;
  // No: it was taken back, or its instance ended before it could begin. Nothing was executed.
  bool started = true;

  bool operator==(const FinishedCall&) const = default;
};

class InstanceEvents {
 public:
  virtual ~InstanceEvents() = default;
  // Of one that was pre-started: it waits for its version; assign() may come.
  virtual void booted(const std::string& instance) = 0;
  // The handler is loaded; the first invoke() may come.
  virtual void loaded(const std::string& instance, const model::ExecutionSteps& start_steps) = 0;
  // It never will be, whether it was pre-started or has its version: kInitFailed, kInitTimedOut,
  // kOutOfMemory, kExited, kProtocolError or kStartFailed. `logs` is what it wrote meanwhile. ended()
  // follows.
  virtual void start_failed(const std::string& instance, model::Outcome outcome, model::CapturedLogs logs,
                            const model::ExecutionSteps& start_steps) = 0;
  // Exactly one for each invoke().
  virtual void finished(const std::string& instance, FinishedCall&& call) = 0;
  // It stands still until its next call, and uses so much memory, rounded up.
  virtual void paused(const std::string& instance, std::uint32_t used_mb) = 0;
  // Nothing is left of it. Exactly one for each start() and prestart(), the last event.
  virtual void ended(const std::string& instance) = 0;
};

struct InstanceStart {
  std::string name;
  std::string function_name;  // shown to the handler: the function's name, or its id
  model::VersionPtr version;
};

class Instance {
 public:
  // Asks for the end (stop()) and lets go: no event comes for it any more.
  virtual ~Instance() = default;
  // Only when booted() has said so, once: it becomes an instance of this version, as if it had been started
  // so; loaded() or start_failed() follows. Events call it by this start's name from now on.
  virtual void assign(InstanceStart start) = 0;
  // Only when loaded, and with a slot that is free. The version's time-out counts from here. At the
  // time-out finished() says kTimedOut and the instance is killed, unless it executes other calls too: then
  // it is not reusable and ends with the last of them.
  virtual void invoke(InstanceCall call) = 0;
  // Whether invoke() may come though a call is executed and no slot is free: with any other slot number, and
  // a body of at most model::kBehindBodyBytes. It is executed when those before it have ended.
  virtual bool takes_behind() const = 0;
  // What has not begun finishes as not started.
  virtual void take_back() = 0;
  // Begins the end, at any moment; what was executing finishes with kExited. Safe twice.
  virtual void stop() = 0;
};

class InstanceFactory {
 public:
  virtual ~InstanceFactory() = default;
  // Returns at once; loaded() or start_failed() follows. `events` outlives the instance.
  virtual std::unique_ptr<Instance> start(InstanceStart start, InstanceEvents& events) = 0;
  // Returns at once; booted() or start_failed() follows.
  virtual std::unique_ptr<Instance> prestart(Prestart prestart, InstanceEvents& events) = 0;
};

}  // namespace hearth::worker
