// What is done to a sandbox that runs.
#include <utility>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/spawn.h"
#include "sandbox/spec_check.h"

namespace hearth::sandbox {
namespace {

base::Error invalid(const char* message) { return base::Error{base::ErrorCode::kInvalidArgument, message}; }

}  // namespace

base::Result<void> LinuxBackend::set_limits(const std::string& name, const Limits& limits) {
  if (auto checked = check(limits); !checked) {
    return checked;
  }
  const auto sandbox = living(name);
  return sandbox ? (*sandbox)->cgroup->set_limits(limits) : sandbox.error();
}

base::Result<LinuxBackend::Sandbox*> LinuxBackend::living(const std::string& name) {
  const auto found = sandboxes_.find(name);
  if (found == sandboxes_.end() || found->second->ended) {
    return base::Error{base::ErrorCode::kNotFound, "no sandbox named " + name + " lives"};
  }
  return found->second.get();
}

base::Result<void> LinuxBackend::assign(const std::string& name, const Limits& limits,
                                        base::UniqueFd code_folder) {
  if (auto checked = check(limits); !checked) {
    return checked;
  }
  const auto sandbox = living(name);
  if (!sandbox) {
    return sandbox.error();
  }
  if ((*sandbox)->has_code || !code_folder.valid()) {
    return invalid((*sandbox)->has_code ? "the sandbox has its code already" : "there is no code to assign");
  }
  auto code = clone_code_mount(code_folder.get());
  if (!code) {
    return code.error();
  }
  // The limits first: they may be refused, and nothing has been mounted then.
  if (auto set = (*sandbox)->cgroup->set_limits(limits); !set) {
    return set;
  }
  const LateMounts mounts{code->get(), tmp_size(limits)};
  auto mounted = living_mounts_->mount((*sandbox)->process.get(), mounts);
  (*sandbox)->has_code = mounted.ok();
  return mounted;
}

Control LinuxBackend::control(const std::string& name) {
  const auto sandbox = living(name);
  return sandbox ? (*sandbox)->cgroup->control() : Control();
}

void LinuxBackend::remove(const std::string& name) {
  const auto found = sandboxes_.find(name);
  if (found == sandboxes_.end() || found->second->ended || found->second->removal_asked) {
    return;
  }
  auto& sandbox = *found->second;
  // What had already run out of memory is reported as that, however soon the removal follows.
  sandbox.out_of_memory = sandbox.out_of_memory || sandbox.cgroup->out_of_memory();
  sandbox.removal_asked = true;
  kill(sandbox);
}

void LinuxBackend::kill(Sandbox& sandbox) {
  sandbox.cgroup->kill();
  kill_process(sandbox.process.get());  // and the kernel every other process of the namespace
}

}  // namespace hearth::sandbox
