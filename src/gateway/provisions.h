// The instances that are kept started for functions, as a gateway sees them: it tells of each change of a
// function, and asks how many are ready. On the gateway's loop; who implements it is composed by main.
#pragma once

#include <cstdint>

#include "model/function.h"

namespace hearth::gateway {

class Provisions {
 public:
  virtual ~Provisions() = default;
  // The function is so from now on. Of one that is removed nothing is told: its version is dropped.
  virtual void changed(const model::Function& function) = 0;
  // So many of its instances that are kept started are loaded, at work or not: this loop's part of all.
  virtual std::uint32_t ready(const model::FunctionId& function) const = 0;
};

}  // namespace hearth::gateway
