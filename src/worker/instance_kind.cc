#include "worker/instance_kind.h"

#include "model/runtime.h"

namespace hearth::worker {
namespace {

constexpr std::uint32_t kNodeMb = 64;
constexpr std::uint32_t kOtherMb = 32;

}  // namespace

InstanceKind kind_of(const model::Version& version) {
  return {version.runtime, version.runtime == model::kNode ? version.memory_mb : 0};
}

std::uint32_t prestart_memory_mb(const InstanceKind& kind) {
  return kind.runtime == model::kNode ? kNodeMb : kOtherMb;
}

}  // namespace hearth::worker
