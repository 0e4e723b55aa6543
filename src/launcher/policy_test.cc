#include "launcher/policy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <string>

namespace hearth::launcher {
namespace {

using base::ErrorCode;
using base::UniqueFd;

Policy policy() {
  Policy policy;
  policy.programs = {"/usr/bin/node", "/usr/bin/python3"};
  return policy;
}

sandbox::Spec good_spec() {
  sandbox::Spec spec;
  spec.name = "i-1";
  spec.program = "/usr/bin/python3";
  spec.arguments = {"-c", "pass"};
  spec.environment = {"A=", "B=1=2"};
  return spec;
}

TEST(Policy, AllowsWhatWorkersAskFor) {
  EXPECT_TRUE(check_spec(good_spec(), policy()).ok());
  EXPECT_TRUE(check_limits(policy().maxima, policy().maxima).ok());
}

TEST(Policy, RefusesEachBadFieldByItsName) {
  struct Case {
    const char* in_message;
    std::function<void(sandbox::Spec&)> change;
  };
  const std::string nul("a\0b", 3);
  const Case cases[] = {
      {"name", [](auto& spec) { spec.name = ""; }},
      {"name", [](auto& spec) { spec.name = "../up"; }},
      {"name", [](auto& spec) { spec.name = "Upper"; }},
      {"name", [](auto& spec) { spec.name = std::string(64, 'a'); }},
      {"name", [](auto& spec) { spec.name = std::string("a\0b", 3); }},
      {"program", [](auto& spec) { spec.program = ""; }},
      {"program", [](auto& spec) { spec.program = "/bin/sh"; }},
      {"program", [](auto& spec) { spec.program = "/usr/bin/node/"; }},
      {"program", [](auto& spec) { spec.program = std::string("/usr/bin/node\0", 14); }},
      {"arguments", [&](auto& spec) { spec.arguments = {nul}; }},
      {"environment", [](auto& spec) { spec.environment = {"NOVALUE"}; }},
      {"environment", [](auto& spec) { spec.environment = {"=value"}; }},
      {"environment", [&](auto& spec) { spec.environment = {"A=" + nul}; }},
      {"memory_bytes", [](auto& spec) { spec.limits.memory_bytes = 0; }},
      {"memory_bytes", [](auto& spec) { spec.limits.memory_bytes = base::kGiB + 1; }},
      {"cpu_weight", [](auto& spec) { spec.limits.cpu_weight = 0; }},
      {"cpu_weight", [](auto& spec) { spec.limits.cpu_weight = 10'001; }},
      {"cpu_millicores", [](auto& spec) { spec.limits.cpu_millicores = 4'000'000'000; }},
      {"processes", [](auto& spec) { spec.limits.processes = 0; }},
      {"processes", [](auto& spec) { spec.limits.processes = 4'097; }},
      {"open_files", [](auto& spec) { spec.limits.open_files = 65'537; }},
      {"tmp_bytes", [](auto& spec) { spec.limits.tmp_bytes = base::kGiB + 1; }},
      {"tmp_files", [](auto& spec) { spec.limits.tmp_files = 1'048'577; }},
  };
  for (const Case& each : cases) {
    sandbox::Spec spec = good_spec();
    each.change(spec);
    const auto checked = check_spec(spec, policy());
    ASSERT_FALSE(checked.ok()) << each.in_message;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(checked.error().message.find(each.in_message), std::string::npos) << checked.error().message;
  }
}

TEST(Policy, LooksAtWhatTheDescriptorsAre) {
  const auto folder = [] { return UniqueFd(::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC)); };
  const auto file = [] { return UniqueFd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)); };
  const auto stream = [] { return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); };
  EXPECT_TRUE(check_descriptors({}).ok());
  EXPECT_TRUE(check_descriptors({folder(), stream(), stream(), stream(), stream()}).ok());
  EXPECT_FALSE(check_descriptors({file(), stream(), stream(), stream(), stream()}).ok());
  EXPECT_FALSE(check_descriptors({folder(), folder(), stream(), stream(), stream()}).ok());
  EXPECT_FALSE(check_descriptors({folder(), stream(), file(), stream(), stream()}).ok());
  EXPECT_FALSE(check_descriptors({folder(), stream(), stream(), folder(), stream()}).ok());
  EXPECT_FALSE(check_descriptors({folder(), stream(), stream(), stream(), file()}).ok());
}

}  // namespace
}  // namespace hearth::launcher
