#include "worker/keep_alive.h"

#include "worker/adaptive_keep_alive.h"
#include "worker/fixed_keep_alive.h"

namespace hearth::worker {

std::unique_ptr<KeepAlivePolicy> make_keep_alive(const KeepAliveOptions& options) {
  switch (options.kind) {
    case KeepAliveKind::kFixed:
      return std::make_unique<FixedKeepAlive>(options);
    case KeepAliveKind::kAdaptive:
      return std::make_unique<AdaptiveKeepAlive>(options);
  }
  return nullptr;
}

}  // namespace hearth::worker
