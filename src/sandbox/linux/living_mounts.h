// Mounts made in the mount namespace of a sandbox that runs already.
//
// The caller's thread visits that namespace and comes back: no process is started for it (45 us against 380
// us). What it finds there is our own composed root, in which nothing can be written but /tmp, and nothing in
// /tmp is looked up. Used by LinuxBackend on the launcher's one thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {

// Options of a tmpfs that give it the size that the limits say.
std::string tmp_size(const Limits& limits);

struct LateMounts {
  int code = -1;         // a detached mount, for kCodePath
  std::string tmp_size;  // tmpfs options: the new size of /tmp
};

class LivingMounts {
 public:
  // Gives the calling thread a root and a working folder of its own, which setns(2) asks for. kIo.
  static base::Result<std::unique_ptr<LivingMounts>> open();

  // `process`: a pidfd of the sandbox's. kIo; the process ends when the way back is barred, as everything
  // that it did afterwards would be done in the wrong place.
  base::Result<void> mount(int process, const LateMounts& mounts) const;

 private:
  explicit LivingMounts(base::UniqueFd own) : own_(std::move(own)) {}

  base::UniqueFd own_;  // our own mount namespace
};

}  // namespace hearth::sandbox
