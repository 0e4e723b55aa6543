// The real adapter: a sandbox is pid 1 of its own pid namespace, with mount, IPC, UTS, network and
// cgroup namespaces of its own, in a cgroup of its own, under a uid of its own. docs/sandbox.md has the
// whole picture; what the process does to itself before it runs the program is in child.h.
//
// Owned and driven by the launcher, one thread, as root, after enter_private_mounts(). The thread that
// calls start() must outlive the sandboxes: they die with it (PR_SET_PDEATHSIG).
#pragma once

#include <linux/filter.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/child.h"
#include "sandbox/linux/living_mounts.h"
#include "sandbox/linux/nat_network.h"
#include "sandbox/linux/options.h"
#include "sandbox/linux/root_image.h"
#include "sandbox/linux/start_pool.h"
#include "sandbox/linux/start_watch.h"
#include "sandbox/linux/tag_lock.h"
#include "sandbox/linux/zygote.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

class LinuxBackend final : public Backend {
 public:
  // Composes the root and opens the cgroups. kInvalidArgument (options), kNotFound (a program or path
  // that is not there), kUnsupported (no cgroup controllers), kIo.
  static base::Result<std::unique_ptr<LinuxBackend>> create(const LinuxOptions& options);

  LinuxBackend(const LinuxBackend&) = delete;
  LinuxBackend& operator=(const LinuxBackend&) = delete;
  // Ends what still runs, and waits for it.
  ~LinuxBackend() override;

  base::Result<void> start(const Spec& spec, Descriptors descriptors) override;
  base::Result<void> set_limits(const std::string& name, const Limits& limits) override;
  base::Result<void> assign(const std::string& name, const Limits& limits,
                            base::UniqueFd code_folder) override;
  Control control(const std::string& name) override;
  void remove(const std::string& name) override;
  std::vector<Exit> collect() override;
  int ready_fd() const override { return events_.get(); }
  base::Result<std::uint32_t> sweep() override;
  bool prepare() override;

 private:
  struct Sandbox {
    std::string name;
    std::unique_ptr<Cgroup> cgroup;
    uid_t uid = 0;
    base::UniqueFd process;  // pidfd of pid 1 inside
    bool has_code = false;
    bool removal_asked = false;
    bool out_of_memory = false;
    bool ended = false;  // exit holds how; the cgroup may still be busy
    Exit exit;
  };

  explicit LinuxBackend(const LinuxOptions& options);
  base::Result<void> open();
  base::Result<void> open_starts();
  base::Result<void> open_events();
  base::Result<void> launch(Sandbox& sandbox, const Spec& spec, Descriptors descriptors, int network);
  base::Result<base::UniqueFd> make_process(const Sandbox& sandbox, const Spec& spec, ChildPlan& plan);
  base::Result<void> watch(Sandbox& sandbox);
  base::Result<Sandbox*> living(const std::string& name);
  void kill(Sandbox& sandbox);
  void examine(Sandbox& sandbox);
  void record_end(Sandbox& sandbox, int code, int status);
  std::vector<Exit> reap_ended();
  void pace();

  const LinuxOptions options_;
  TagLock lock_;  // first: let go when all else has been undone
  std::unique_ptr<RootImage> root_;
  std::unique_ptr<CgroupTree> cgroups_;
  std::unique_ptr<NatNetwork> network_;  // none: loopback only
  std::unique_ptr<LivingMounts> living_mounts_;
  std::vector<ProcMask> masks_;
  std::vector<sock_filter> filter_;
  std::optional<StartPool> pool_;
  std::unique_ptr<StartWatch> start_watch_;
  base::UniqueFd launcher_;  // this process's pidfd
  std::vector<std::unique_ptr<Zygote>> zygotes_;
  std::map<std::string, std::unique_ptr<Sandbox>> sandboxes_;
  base::UniqueFd events_;      // epoll: pidfds, out-of-memory events, pace_timer_
  base::UniqueFd pace_timer_;  // runs while a cgroup is busy that should be gone
  bool paced_ = false;
};

}  // namespace hearth::sandbox
