// How one living sandbox is stopped, continued and measured by whoever is not root: by files that were opened
// for it, with which nothing else can be done. Movable; one thread at a time.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

// Invalid where the host has none.
struct Control {
  base::UniqueFd freezer;  // "1" written to it stops every process where it stands, "0" lets them go on
  base::UniqueFd memory;   // says how many bytes the sandbox uses now, as a decimal number

  // At once. Does nothing where there is no freezer. kIo.
  base::Result<void> set_frozen(bool frozen) const;
  // 0 where nothing says it.
  std::uint64_t used_bytes() const;
};

}  // namespace hearth::sandbox
