// What the launcher's programs and its sandboxes can never gain (capabilities(7), the bounding set). The
// launcher calls this once, before it makes a backend.
#pragma once

namespace hearth::sandbox {

// Keeps what the programs that a backend runs need (nft: CAP_NET_ADMIN). Each start gives up what is left,
// one call a capability, so that it pays for each. Without the right to, nothing changes.
void narrow_bounding_set();

}  // namespace hearth::sandbox
