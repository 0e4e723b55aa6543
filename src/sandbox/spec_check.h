// What every adapter checks before it does anything: a spec that passes here can be put into paths,
// mount options and argument vectors as it stands. Called by Backend::start(); pure.
#pragma once

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

inline constexpr std::size_t kNameBytes = 63;                  // longest sandbox name (a DNS label)
inline constexpr std::uint64_t kMemoryMinBytes = 4ULL << 20U;  // less does not hold an exec'ed program
inline constexpr std::uint32_t kWeightMax = 10'000;            // cgroup v2's bound
inline constexpr std::uint32_t kMillicoresMin = 10;            // the kernel's smallest quota: 1 ms in 100 ms
inline constexpr std::uint32_t kOpenFilesMin = 8;  // the four given ones and a few to load a program

bool valid_name(const std::string& name);

// kInvalidArgument, naming the field and what it should be.
base::Result<void> check(const Limits& limits);
base::Result<void> check(const Spec& spec, const Descriptors& descriptors);

}  // namespace hearth::sandbox
