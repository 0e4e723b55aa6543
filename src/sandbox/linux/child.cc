#include "sandbox/linux/child.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace hearth::sandbox {
namespace {

// The same list, in the same order, is in docs/sandbox.md; a test compares them.
constexpr std::array kSteps = {
    // A handler of the launcher's must not run in here, and a program expects the defaults.
    NamedStep{"reset signals", reset_signals},
    // When the host runs out of memory the kernel takes a sandbox, not the platform. Needs the host's /proc.
    NamedStep{"raise oom score", raise_oom_score},
    // From here on everything it makes is charged to it; before the cgroup namespace, whose root it becomes.
    NamedStep{"join cgroups", join_cgroups},
    // No controlling terminal, and a process group of its own. Once in a cgroup, as the scheduler would make
    // a
    // process wait that enters a group of a session (autogroup).
    NamedStep{"start session", start_session},
    // A copy of the namespace that holds the composed root and nothing of the host.
    NamedStep{"enter root", enter_root},
    // Shows this pid namespace only. Before /tmp is covered: its empty folder masks folders of /proc.
    NamedStep{"mount proc", mount_proc},
    // A clone of the opened folder: no path of the host is looked up.
    NamedStep{"mount code", mount_code},
    // The only place that can be written.
    NamedStep{"mount tmp", mount_tmp},
    // Made for this sandbox, with its interfaces up.
    NamedStep{"join network", join_network},
    NamedStep{"set host name", set_host_name},
    // While still root: the folder's owner need not let our uid search it from above.
    NamedStep{"enter working folder", enter_working_folder},
    // 0 to 4 and nothing else: an inherited descriptor would point out of the sandbox.
    NamedStep{"arrange descriptors", arrange_descriptors},
    // After the descriptors, which may stand higher than the limit of open files.
    NamedStep{"set limits", set_limits},
    // Needs CAP_SETPCAP, which ends with the uid: nothing exec'ed later can gain a capability.
    NamedStep{"drop bounding set", drop_bounding_set},
    // Groups first: a user may not change them.
    NamedStep{"become user", become_user},
    // Inheritable and ambient survive the change of uid.
    NamedStep{"drop capabilities", drop_capabilities},
    // No set-user-ID program helps; an unprivileged process needs it to install a filter.
    NamedStep{"forbid new privileges", forbid_new_privileges},
    // After the uid, whose change clears it.
    NamedStep{"die with parent", die_with_parent},
    // Last, as it forbids most of what stands above.
    NamedStep{"install filter", install_filter},
    NamedStep{"execute", execute},
};

}  // namespace

std::span<const NamedStep> child_steps() { return kSteps; }

void run_child(ChildPlan& plan) {
  auto& failure = plan.failure;
  for (const auto& step : kSteps) {
    failure.error = step.run(plan);
    if (failure.error != 0) {
      break;
    }
    ++failure.step;
  }
  ::syscall(SYS_exit_group, 127);  // no handler of the launcher's runs, whose memory this is
}

}  // namespace hearth::sandbox
