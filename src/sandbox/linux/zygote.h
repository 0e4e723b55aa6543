// A booted runtime that forks into sandboxes: a sandbox that it makes has booted when it starts. It runs the
// runtime and its shim, never anything of a function's; it sees the files that sandboxes see, and has the
// rights that their making takes. Whoever it forks is the launcher's child, and goes through the steps of
// every sandbox (child.h) before it learns whose it is. zygote_module.cc is its inside.
//
// What it forks has its memory: addresses, and what the runtime drew at random when it booted (of Python, the
// key of its hashes), are alike in all of them. So one serves kMostForks starts or kLongestUse, whichever
// comes first.
//
// Owned by LinuxBackend. One thread. It dies with the launcher.
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/linux/child.h"
#include "sandbox/linux/options.h"
#include "sandbox/linux/start_watch.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

class Zygote {
 public:
  static constexpr int kMostForks = 100;
  static constexpr std::chrono::seconds kLongestUse{60};

  // `root` and `launcher` as in ChildPlan, `start_timeout_ms` as in LinuxOptions. All outlive it.
  Zygote(ZygoteProgram program, int root, int launcher, StartWatch& watch, int start_timeout_ms);
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;
  // Ends it, and waits for that. What it has forked goes on.
  ~Zygote();

  // Whether a sandbox of this program is one that it makes.
  bool fits(const Spec& spec) const;

  // As spawn(): the pidfd of a process that has taken the steps. Nothing where no zygote waits; then nothing
  // has happened. After an error the cgroup has to be killed: if the zygote ended in the middle, there may be
  // a process in it.
  base::Result<std::optional<base::UniqueFd>> fork(const ChildPlan& plan, int clone_target);

  // Starts one where there is none, and in place of one that has served its time. One that ends before it
  // has booted is started again later, and later each time.
  void prepare();

 private:
  using Clock = std::chrono::steady_clock;
  struct Answers;

  base::Result<void> start();
  void started_badly(const char* how);
  bool waits();
  bool is_spent() const;
  void end();
  base::Result<void> await(Clock::time_point deadline, Answers& answers);

  const ZygoteProgram program_;
  const int root_;
  const int launcher_;
  StartWatch& watch_;
  const std::chrono::milliseconds start_timeout_;
  base::UniqueFd process_;  // pidfd; invalid: there is none
  base::UniqueFd socket_;
  bool booted_ = false;
  int forks_ = 0;
  Clock::time_point first_fork_;
  std::chrono::seconds pause_{0};  // before another attempt
  Clock::time_point next_attempt_;
};

}  // namespace hearth::sandbox
