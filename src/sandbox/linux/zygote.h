// A booted runtime that forks into sandboxes: a sandbox that it makes has booted when it starts. It runs the
// runtime and its shim, never anything of a function's; it sees the files that sandboxes see, and has the
// rights that their making takes. Whoever it forks is the launcher's child, and goes through the steps of
// every sandbox (child.h) before it learns whose it is. zygote_inside.h is its inside.
//
// What it forks has its memory: addresses, and what the runtime and the C library drew at random when it
// booted (of Python, the key of its hashes), are alike in all of them. So one serves so many starts or for so
// long (ZygoteLimits), whichever comes first, and another takes its place.
//
// Owned by LinuxBackend. One thread. It dies with the launcher.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/linux/child.h"
#include "sandbox/linux/options.h"
#include "sandbox/linux/start_watch.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

class Zygote {
 public:
  // What a zygote is started with, as in ChildPlan. All outlives it.
  struct Surroundings {
    int root = -1;
    int launcher = -1;
    StartWatch* watch = nullptr;
    int start_timeout_ms = 0;  // LinuxOptions
    int events = -1;           // an epoll that becomes readable when tend() has something to do
  };

  // kIo.
  static base::Result<std::unique_ptr<Zygote>> create(ZygoteProgram program, Surroundings surroundings);
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;
  // Ends it, and waits for that. What it has forked goes on.
  ~Zygote();

  // Whether a sandbox of this program is one that it makes.
  bool fits(const Spec& spec) const;

  // As spawn(): the pidfd of a process that has taken the steps. Nothing where no zygote waits; then nothing
  // has happened. After an error the cgroup has to be killed: there may be a process in it.
  base::Result<std::optional<base::UniqueFd>> fork(const ChildPlan& plan, int clone_target);

  // Starts one where there is none and it is time to, and another in place of one that has been used for too
  // long, ended, or did not boot in time. Never waits.
  void tend();
  // The same when nothing is asked of the launcher: also in place of one that has forked too often.
  void prepare();

 private:
  using Clock = std::chrono::steady_clock;
  struct Answers;

  Zygote(ZygoteProgram program, Surroundings surroundings, base::UniqueFd timer);
  base::Result<void> start();
  void give_up(const char* why);
  void look();
  bool used_too_long() const;
  bool forked_too_often() const { return forks_ >= program_.limits.most_forks; }
  void end();
  void arm();
  base::Result<void> await(Clock::time_point deadline, Answers& answers);

  const ZygoteProgram program_;
  const Surroundings surroundings_;
  const base::UniqueFd timer_;
  base::UniqueFd process_;  // pidfd; invalid: there is none
  base::UniqueFd socket_;
  std::vector<base::UniqueFd> ending_;  // killed, and not waited for yet
  Clock::time_point started_;
  bool booted_ = false;
  int forks_ = 0;
  Clock::time_point first_fork_;
  std::chrono::milliseconds pause_{0};
  Clock::time_point next_attempt_;
};

}  // namespace hearth::sandbox
