#include "worker/runtime_program.h"

#include <algorithm>

#include "model/runtime.h"

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

void start_node(const NodeProgram& program, std::uint32_t memory_mb, sandbox::Spec& spec) {
  const std::uint32_t semi_space_mb = memory_mb < kLargeMemoryMb ? kSmallSemiSpaceMb : kLargeSemiSpaceMb;
  spec.program = program.node;
  spec.arguments = {"--max-old-space-size=" + std::to_string(heap_mb(memory_mb, program.reserved_mb)),
                    "--max-semi-space-size=" + std::to_string(semi_space_mb),
                    "--min-semi-space-size=" + std::to_string(kSmallSemiSpaceMb), program.shim};
}

// The shim says why it is started so.
void start_python(const PythonProgram& program, sandbox::Spec& spec) {
  spec.program = program.python;
  spec.arguments = {"-I", "-S", "-B", "-X", "utf8", program.shim};
}

sandbox::Limits limits_of(std::uint32_t memory_mb, const InstanceLimits& limits) {
  sandbox::Limits result;
  result.memory_bytes = memory_mb * base::kMiB;
  result.cpu_weight = std::clamp(memory_mb, 1U, 10'000U);
  result.processes = limits.processes;
  result.open_files = limits.open_files;
  result.tmp_bytes = std::min(result.memory_bytes / 2, limits.max_tmp_bytes);
  result.tmp_files = limits.tmp_files;
  return result;
}

}  // namespace

sandbox::Limits sandbox_limits(const model::Version& version, const InstanceLimits& limits) {
  return limits_of(version.memory_mb, limits);
}

base::Result<sandbox::Spec> sandbox_spec(const std::string& name, const model::Version& version,
                                         const RuntimePrograms& programs, const InstanceLimits& limits) {
  return prestart_spec({name, kind_of(version), version.memory_mb}, programs, limits);
}

base::Result<sandbox::Spec> prestart_spec(const Prestart& prestart, const RuntimePrograms& programs,
                                          const InstanceLimits& limits) {
  const std::string& runtime = prestart.kind.runtime;
  sandbox::Spec spec;
  spec.name = prestart.name;
  spec.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp", "LANG=C.UTF-8"};
  spec.limits = limits_of(prestart.memory_mb, limits);
  if (runtime == model::kNode) {
    start_node(programs.node, prestart.kind.memory_mb, spec);
    return spec;
  }
  const bool known = runtime == model::kPython;
  if (!known || programs.python.python.empty()) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "this host does not run " + runtime + (known ? ": " + programs.python.reason : "")};
  }
  start_python(programs.python, spec);
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
