#include "worker/runtime_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::worker {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

sandbox::Spec spec_of(std::uint32_t memory_mb) {
  model::Version version;
  version.memory_mb = memory_mb;
  return sandbox_spec("i-1", version, {}, {}).value();
}

TEST(RuntimeProgram, LimitsFollowTheVersionsMemory) {
  const auto limits = spec_of(128).limits;
  EXPECT_EQ(limits.memory_bytes, 128 * base::kMiB);
  EXPECT_EQ(limits.cpu_weight, 128U);
  EXPECT_EQ(limits.cpu_millicores, 0U);
  EXPECT_EQ(limits.tmp_bytes, 64 * base::kMiB);
  EXPECT_EQ(spec_of(4'096).limits.tmp_bytes, 512 * base::kMiB);
  EXPECT_EQ(spec_of(4'096).limits.memory_bytes, 4'096 * base::kMiB);
  EXPECT_EQ(spec_of(20'000).limits.cpu_weight, 10'000U);
}

TEST(RuntimeProgram, TheHeapFitsIntoTheMemory) {
  EXPECT_THAT(spec_of(128).arguments, Contains("--max-old-space-size=64"));
  EXPECT_THAT(spec_of(1'024).arguments, Contains("--max-old-space-size=848"));
  EXPECT_THAT(spec_of(16).arguments, Contains("--max-old-space-size=32"));
}

TEST(RuntimeProgram, TheShimIsTheProgramAndTheEnvironmentHoldsNoSurprise) {
  const auto spec = spec_of(128);
  EXPECT_EQ(spec.name, "i-1");
  EXPECT_EQ(spec.program, "/usr/bin/node");
  EXPECT_EQ(spec.arguments.back(), "/opt/hearth/node/shim.js");
  EXPECT_EQ(spec.environment.size(), 4U);
  EXPECT_THAT(spec.environment, Contains(HasSubstr("PATH=")));
}

TEST(RuntimeProgram, PythonIsIsolatedFromTheHost) {
  model::Version version;
  version.runtime = "python";
  RuntimePrograms programs;
  programs.python.python = "/usr/bin/python3.11";
  const auto spec = sandbox_spec("i-1", version, programs, {}).value();
  EXPECT_EQ(spec.program, "/usr/bin/python3.11");
  EXPECT_THAT(spec.arguments, ElementsAre("-I", "-S", "-B", "-X", "utf8", "/opt/hearth/python/shim.py"));
  EXPECT_EQ(spec.limits, spec_of(128).limits);
  EXPECT_EQ(spec.environment, spec_of(128).environment);
}

TEST(RuntimeProgram, ARuntimeThatTheHostLacksIsNotStarted) {
  model::Version version;
  version.runtime = "python";
  RuntimePrograms programs;
  programs.python.reason = "python3 is too old";
  const auto python = sandbox_spec("i-1", version, programs, {});
  ASSERT_FALSE(python.ok());
  EXPECT_EQ(python.error().code, base::ErrorCode::kUnsupported);
  EXPECT_THAT(python.error().message, HasSubstr("python: python3 is too old"));
  version.runtime = "ruby";
  EXPECT_THAT(sandbox_spec("i-1", version, programs, {}).error().message, HasSubstr("ruby"));
}

}  // namespace
}  // namespace hearth::worker
