// hearth scaler's work: looks at the capacity again and again, and runs a command when the policy says so.
// One thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/scaler_policy.h"
#include "cli/shell_command.h"

namespace hearth::cli {

struct ScalerSettings {
  std::string up;
  std::string down;
  ScalerOptions policy;
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds command_timeout{60'000};
  bool once = false;     // one look, without the waits of the hysteresis
  bool dry_run = false;  // says what it would run
};

struct ScalerWorld {
  std::function<ShellResult(const ShellCommand&)> run;
  std::function<base::TimePoint()> now;
};

class Scaler {
 public:
  Scaler(Context& context, ScalerSettings settings, ScalerWorld world);

  // Until context.wait() says stop; with `once` after one look. The exit code.
  int run();

 private:
  // One look, and what follows from it.
  ExitCode step();
  std::optional<CapacityInfo> look();
  ExitCode act(const ScalerDecision& decision, const CapacityInfo& capacity);
  ExitCode execute(const ShellCommand& command);
  bool choose_worker(ShellCommand& command);
  void say(const std::string& line);

  Context& context_;
  const ScalerSettings settings_;
  const ScalerWorld world_;
  ScalerPolicy policy_;
  std::string trouble_;  // what was wrong with the last look; said once
};

}  // namespace hearth::cli
