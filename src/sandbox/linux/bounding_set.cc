#include "sandbox/linux/bounding_set.h"

#include <linux/capability.h>
#include <sys/prctl.h>

namespace hearth::sandbox {

void narrow_bounding_set() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (capability != CAP_NET_ADMIN) {
      ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
  }
}

}  // namespace hearth::sandbox
