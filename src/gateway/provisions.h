// The instances that are kept started for functions, as a gateway sees them: it tells of each change of a
// function, and asks how many are ready. On the gateway's loop; who implements it is composed by main.
#pragma once

#include <cstdint>
#include <numeric>
#include <string_view>

#include "model/function.h"

namespace hearth::gateway {

struct ProvisionCount {
  std::uint32_t wanted = 0;
  std::uint32_t ready = 0;

  bool operator==(const ProvisionCount&) const = default;
};

class Provisions {
 public:
  virtual ~Provisions() = default;
  // The function is so from now on. Of one that is removed nothing is told: its version is dropped.
  virtual void changed(const model::Function& function) = 0;
  // So many of its instances that are kept started are loaded, at work or not: this loop's part of all.
  virtual std::uint32_t ready(const model::FunctionId& function) const = 0;
  // Of all functions, in the same way.
  virtual ProvisionCount in_all() const = 0;
};

// One of several who have the instances of each function between them.
struct ProvisionPart {
  std::uint32_t index = 0;
  std::uint32_t count = 1;

  // Its part of so many. Who has one more begins with another one for each function, so that functions of
  // which one is kept are not all kept by the first.
  std::uint32_t of(std::uint32_t number, std::string_view function) const {
    const std::uint32_t first = std::accumulate(
        function.begin(), function.end(), 0U,
        [](std::uint32_t sum, char each) { return 31 * sum + static_cast<unsigned char>(each); });
    const std::uint32_t place = (index + first % count) % count;
    return number / count + (place < number % count ? 1U : 0U);
  }
};

}  // namespace hearth::gateway
