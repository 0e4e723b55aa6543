#include "cli/shell_command.h"

#include <gtest/gtest.h>

namespace hearth::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ShellCommand, HasItsEnvironmentAndTellsItsExitCode) {
  EXPECT_EQ(run_shell({"exit \"$HEARTH_NUMBER\"", {{"HEARTH_NUMBER", "7"}}, seconds(10)}),
            (ShellResult{7, false, true}));
  EXPECT_TRUE(run_shell({"true", {}, seconds(10)}).worked());
  EXPECT_EQ(run_shell({"kill -9 $$", {}, seconds(10)}).exit_code, 128 + 9);
  EXPECT_EQ(run_shell({"no-such-program-here 2>/dev/null", {}, seconds(10)}).exit_code, 127);
}

TEST(ShellCommand, EndsAtItsTimeout) {
  const auto begun = std::chrono::steady_clock::now();
  const ShellResult result = run_shell({"sleep 100; true", {}, milliseconds(50)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_FALSE(result.worked());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(20));
}

TEST(ShellCommand, ThatDoesNotListenIsKilled) {
  const ShellResult result = run_shell({"trap '' TERM; while :; do sleep 1; done", {}, milliseconds(50)});
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + 9);
}

}  // namespace
}  // namespace hearth::cli
