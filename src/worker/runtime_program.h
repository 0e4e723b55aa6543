// How the program of a runtime is started inside a sandbox: its command line, its environment and the
// limits that follow from a version. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "model/function.h"
#include "sandbox/sandbox.h"
#include "worker/instance.h"
#include "worker/protocol.h"

namespace hearth::worker {

// The node runtime, by its paths inside the sandbox, like the other.
struct NodeProgram {
  std::string node = "/usr/bin/node";  // --node
  std::string shim = "/opt/hearth/node/shim.js";
  // Memory of the instance that V8's old generation is not given, with an eighth of the whole: Node itself
  // (40 MB resident when booted, 6 MB of them private), young objects, V8's own tables and buffers outside of
  // the heap. V8's own failure, which says what happened, then mostly comes before the kernel's kill.
  std::uint32_t reserved_mb = 48;
};

struct PythonProgram {
  std::string python;  // --python; empty: this host has none
  std::string shim = "/opt/hearth/python/shim.py";
  std::string reason = "there is no python3";  // why it has none
};

struct RuntimePrograms {
  NodeProgram node;
  PythonProgram python;
  std::string code = sandbox::kCodePath;  // may be relative to where the program starts
};

// What V8 writes to stderr before it aborts for want of heap.
inline constexpr const char* kNodeHeapExhausted = "JavaScript heap out of memory";

// What an instance may use beside the memory that its version says. 0 of a cap: none.
struct InstanceLimits {
  std::uint32_t cpu_millicores = 1'000;            // --instance-cpus, once the handler is loaded
  std::uint32_t processes = 256;                   // --instance-processes
  std::uint32_t open_files = 1'024;                // --instance-open-files
  std::uint64_t max_tmp_bytes = 512 * base::kMiB;  // --instance-tmp-bytes, and at most half of its memory
  std::uint32_t tmp_files = 16'384;
};

// Memory as the version has it, CPU weight equal to it in MB. No CPU cap: start and init run without.
sandbox::Limits sandbox_limits(const model::Version& version, const InstanceLimits& limits);

// The whole sandbox for an instance called `name`. kUnsupported: this host does not have the version's
// runtime.
base::Result<sandbox::Spec> sandbox_spec(const std::string& name, const model::Version& version,
                                         const RuntimePrograms& programs, const InstanceLimits& limits);

// The sandbox of a pre-started instance: the program of its kind, with what it may use until it is assigned.
// kUnsupported as for sandbox_spec().
base::Result<sandbox::Spec> prestart_spec(const Prestart& prestart, const RuntimePrograms& programs,
                                          const InstanceLimits& limits);

// What its runtime is told of its function. `code_path`: inside.
protocol::Init init_of(const InstanceStart& start, const std::string& code_path);

}  // namespace hearth::worker
