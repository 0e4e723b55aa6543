// Instances for real: code from the cache, a sandbox from the launcher, the framed protocol over a
// socket. Behind instance.h, so that the worker's heart knows none of it.
//
// InstanceSession decides, InstanceChannel moves bytes, InstanceCore asks the ports and tells the heart.
// Loop thread only. Events never come from inside a call to Instance.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/event_loop.h"
#include "base/result.h"
#include "model/limits.h"
#include "sandbox/sandbox.h"
#include "worker/instance.h"
#include "worker/runtime_program.h"
#include "worker/version_code.h"

namespace hearth::base {
class Reactor;
}

namespace hearth::worker {

struct SandboxedInstanceOptions {
  std::chrono::milliseconds start_timeout{30'000};  // --start-timeout: code, sandbox and boot together
  std::chrono::milliseconds init_timeout{10'000};   // --init-timeout: the load of the handler's module
  std::chrono::microseconds pause_after{
      10'000};  // --pause-after: idle for so long, it stands still; 0: never
  model::InvocationLimits invocation;
  // --compile-cache-bytes: of one version, what its runtime has compiled; 0: nothing is kept or used.
  std::uint64_t compile_cache_bytes = 8 * base::kMiB;
  InstanceLimits limits;
  RuntimePrograms programs;
};

// Since the start.
struct CompileCounts {
  std::uint64_t given = 0;  // instances that were started with what an earlier one had compiled
  std::uint64_t kept = 0;   // instances whose own was taken

  bool operator==(const CompileCounts&) const = default;
};

struct InstanceParts;  // instance_core.h

class SandboxedInstanceFactory final : public InstanceFactory {
 public:
  // `loop` is the reactor's, or stands for it. Takes over host's on_exit(). What is handed in outlives
  // the factory and its instances.
  SandboxedInstanceFactory(base::Reactor& reactor, base::EventLoop& loop, sandbox::Host& host,
                           CodeSource& code, SandboxedInstanceOptions options);
  SandboxedInstanceFactory(const SandboxedInstanceFactory&) = delete;
  SandboxedInstanceFactory& operator=(const SandboxedInstanceFactory&) = delete;
  ~SandboxedInstanceFactory() override;

  std::unique_ptr<Instance> start(InstanceStart start, InstanceEvents& events) override;
  std::unique_ptr<Instance> prestart(Prestart prestart, InstanceEvents& events) override;

  CompileCounts compile_counts() const;

 private:
  class Handle;

  template <typename Start>
  std::unique_ptr<Instance> make(Start start, InstanceEvents& events);

  std::shared_ptr<InstanceParts> parts_;  // instances that the heart still holds use it too
};

}  // namespace hearth::worker
