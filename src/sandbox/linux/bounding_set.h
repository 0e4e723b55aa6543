// What the launcher's programs and its sandboxes can never gain (capabilities(7), the bounding set). The
// launcher calls this once, before it makes a backend.
#pragma once

#include <span>

namespace hearth::sandbox {

// Keeps what the programs that a backend runs need: CAP_NET_ADMIN for nft, and the rights to make a sandbox
// for a zygote, where there is one. Each start gives up what is left, one call a capability, so that it pays
// for each. Without the right to, nothing changes.
void narrow_bounding_set(bool for_zygotes);

// Keeps these alone. System calls only.
void keep_in_bounding_set(std::span<const int> capabilities);

}  // namespace hearth::sandbox
