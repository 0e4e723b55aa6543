// What a start takes from the kernel and the kernel is slow to give: a cgroup and a network namespace, made
// while the launcher has nothing else to do. Each serves one sandbox and goes with it; none is used twice.
//
//   take():    one that is ready, or one made now
//   prepare(): makes one ready, until there are kPreparedStarts
//
// Owned by LinuxBackend. One thread. After kill -9 the cgroups are swept like those of sandboxes, and the
// rest has gone with the launcher.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/nat_network.h"
#include "sandbox/linux/uid_pool.h"

namespace hearth::sandbox {

// A burst of as many starts finds all that it needs; each holds some 250 KB of the kernel's memory.
inline constexpr std::size_t kPreparedStarts = 8;

struct PreparedStart {
  uid_t uid = 0;
  std::unique_ptr<Cgroup> cgroup;  // named by the uid
  base::UniqueFd network;          // a namespace with its interfaces up
};

class StartPool {
 public:
  // `nat` may be null. Both outlive this.
  StartPool(CgroupTree& cgroups, NatNetwork* nat, uid_t uid_base, std::uint32_t uid_count);

  // With these limits. kExhausted (no uid, no memory), kIo.
  base::Result<PreparedStart> take(const Limits& limits);
  // After a sandbox's end, or a start that failed. The uid is used again when nothing is left of the cgroup.
  void give_back(uid_t uid, std::unique_ptr<Cgroup> cgroup);

  // True while there is more to do. A failure ends it until something has been taken: a start meets it
  // again, and reports it.
  bool prepare();

 private:
  struct Remains {
    uid_t uid = 0;
    std::unique_ptr<Cgroup> cgroup;
  };

  base::Result<PreparedStart> make(const Limits& limits);
  void remove_remains();

  CgroupTree& cgroups_;
  NatNetwork* const nat_;
  const uid_t uid_base_;
  UidPool uids_;
  std::deque<PreparedStart> ready_;
  std::vector<Remains> remains_;  // cgroups that the kernel still keeps busy
  bool failed_ = false;
};

}  // namespace hearth::sandbox
