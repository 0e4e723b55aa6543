// What the launcher lets its unprivileged peer ask for. A server that has been taken over can start
// what the policy allows and nothing else. Checked by Server for every request. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "sandbox/sandbox.h"

namespace hearth::launcher {

struct Policy {
  std::vector<std::string> programs;  // Spec::program must be one of them
  // No field of a request's limits may be over its field here. cpu_millicores 0 (none) is always allowed.
  sandbox::Limits maxima = {.memory_bytes = base::kGiB,
                            .cpu_weight = 10'000,
                            .cpu_millicores = 1'024'000,
                            .processes = 4'096,
                            .open_files = 65'536,
                            .tmp_bytes = base::kGiB,
                            .tmp_files = 1'048'576};
  std::uint32_t sandboxes = 4'096;  // living at once
};

// kInvalidArgument, naming the field.
base::Result<void> check_name(const std::string& name);
base::Result<void> check_limits(const sandbox::Limits& limits, const sandbox::Limits& maxima);
base::Result<void> check_spec(const sandbox::Spec& spec, const Policy& policy);

// Looks at what the descriptors are: the code folder is a folder; the others are sockets, pipes or
// character devices, so that no folder of the host's gets in by another name. kInvalidArgument.
base::Result<void> check_descriptors(const sandbox::Descriptors& descriptors);

}  // namespace hearth::launcher
