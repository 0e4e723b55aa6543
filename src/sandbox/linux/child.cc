#include "sandbox/linux/child.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace hearth::sandbox {
namespace {

// The same lists, in the same order, are in docs/sandbox.md; a test compares them.
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
    // Landlock. No privileges are to be had any more, which it needs; the filter knows none of its calls.
    NamedStep{"restrict files", restrict_files},
    // Last, as it forbids most of what stands above.
    NamedStep{"install filter", install_filter},
    NamedStep{"execute", execute},
};

// The same, but for what it has of the zygote: its signals and its score are those of a booted runtime, and
// it executes nothing. In the same order, for the same reasons.
constexpr std::array kForkSteps = {
    NamedStep{"join cgroups", join_cgroups},
    NamedStep{"start session", start_session},
    NamedStep{"enter root", enter_root},
    NamedStep{"mount proc", mount_proc},
    NamedStep{"mount code", mount_code},
    NamedStep{"mount tmp", mount_tmp},
    NamedStep{"join network", join_network},
    NamedStep{"set host name", set_host_name},
    NamedStep{"enter working folder", enter_working_folder},
    NamedStep{"arrange descriptors", arrange_descriptors},
    NamedStep{"set limits", set_limits},
    NamedStep{"drop bounding set", drop_bounding_set},
    NamedStep{"become user", become_user},
    // The change of user has taken its own /proc/self from it, which an exec gives back.
    NamedStep{"be readable", be_readable},
    NamedStep{"drop capabilities", drop_capabilities},
    NamedStep{"forbid new privileges", forbid_new_privileges},
    NamedStep{"die with parent", die_with_parent},
    // An exec would have closed it.
    NamedStep{"leave launcher", leave_launcher},
    NamedStep{"restrict files", restrict_files},
    NamedStep{"install filter", install_filter},
};

// Trusted, and as privileged as the launcher: what it forks takes the steps above.
constexpr std::array kZygoteSteps = {
    NamedStep{"reset signals", reset_signals},
    // What it forks has it from here.
    NamedStep{"raise oom score", raise_oom_score},
    NamedStep{"start session", start_session},
    // It maps the files that sandboxes see, and no others. In the namespace that lives as long as the
    // launcher.
    NamedStep{"share root", share_root},
    NamedStep{"arrange descriptors", arrange_descriptors},
    NamedStep{"die with parent", die_with_parent},
    // The C library gives threads as much, and asks once, when the program begins.
    NamedStep{"set stack limit", set_stack_limit},
    NamedStep{"execute", execute},
};

void run_and_exit(std::span<const NamedStep> steps, ChildPlan& plan) {
  run_steps(steps, plan);
  ::syscall(SYS_exit_group, 127);  // no handler of the launcher's runs, whose memory this is
}

}  // namespace

std::span<const NamedStep> child_steps() { return kSteps; }
std::span<const NamedStep> fork_steps() { return kForkSteps; }
std::span<const NamedStep> zygote_steps() { return kZygoteSteps; }

void run_steps(std::span<const NamedStep> steps, ChildPlan& plan) {
  auto& failure = plan.failure;
  for (const auto& step : steps) {
    failure.error = step.run(plan);
    if (failure.error != 0) {
      break;
    }
    ++failure.step;
  }
}

void run_child(ChildPlan& plan) { run_and_exit(kSteps, plan); }
void run_zygote(ChildPlan& plan) { run_and_exit(kZygoteSteps, plan); }

}  // namespace hearth::sandbox
