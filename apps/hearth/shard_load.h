// What all shards of a process do at one moment, for its card among the members.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "apps/hearth/shard.h"
#include "base/reactor.h"
#include "membership/card_maker.h"

namespace hearth {

// Asks each on its loop; `done` is called on `home`, the first one's, inside the call if there is but one.
void gather_load(base::Reactor& home, const std::vector<std::unique_ptr<Shard>>& shards,
                 std::function<void(membership::Load)> done);

}  // namespace hearth
