#include "worker/runtime_program.h"

#include <algorithm>

namespace hearth::worker {
namespace {

constexpr std::uint32_t kSmallestHeapMb = 32;
// V8 takes up to three of these for young objects; its default of 16 MB each would be most of a small
// instance's memory.
constexpr std::uint32_t kSmallSemiSpaceMb = 4;
constexpr std::uint32_t kLargeSemiSpaceMb = 16;
constexpr std::uint32_t kLargeMemoryMb = 512;

std::uint32_t heap_mb(std::uint32_t memory_mb, std::uint32_t reserved_mb) {
  const std::uint32_t reserved = reserved_mb + memory_mb / 8;
  return memory_mb > reserved + kSmallestHeapMb ? memory_mb - reserved : kSmallestHeapMb;
}

}  // namespace

sandbox::Limits sandbox_limits(const model::Version& version, const InstanceLimits& limits) {
  sandbox::Limits result;
  result.memory_bytes = version.memory_mb * base::kMiB;
  result.cpu_weight = std::clamp(version.memory_mb, 1U, 10'000U);
  result.processes = limits.processes;
  result.open_files = limits.open_files;
  result.tmp_bytes = std::min(result.memory_bytes / 2, limits.max_tmp_bytes);
  result.tmp_files = limits.tmp_files;
  return result;
}

sandbox::Spec sandbox_spec(const std::string& name, const model::Version& version, const NodeProgram& program,
                           const InstanceLimits& limits) {
  const std::uint32_t semi_space_mb =
      version.memory_mb < kLargeMemoryMb ? kSmallSemiSpaceMb : kLargeSemiSpaceMb;
  sandbox::Spec spec;
  spec.name = name;
  spec.program = program.node;
  spec.arguments = {"--max-old-space-size=" + std::to_string(heap_mb(version.memory_mb, program.reserved_mb)),
                    "--max-semi-space-size=" + std::to_string(semi_space_mb), program.shim};
  spec.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8"};
  spec.limits = sandbox_limits(version, limits);
  return spec;
}

protocol::Init init_of(const InstanceStart& start, const std::string& code_path) {
  const model::Version& version = *start.version;
  protocol::Init init;
  init.function_name = start.function_name;
  init.function_id = version.function_id;
  init.function_version = version.number;
  init.handler = version.handler;
  init.memory_mb = version.memory_mb;
  init.timeout_ms = version.timeout_ms;
  init.code_path = code_path;
  init.environment = version.environment;
  init.concurrency = version.concurrency;
  return init;
}

}  // namespace hearth::worker
