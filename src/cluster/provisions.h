// What gateways say to a worker of instances that it is to keep started, again and again, and what it
// answers. Pure.
//
//   POST /provisions   lines "FUNCTION VERSION REVISION COUNT BYTES", each with a version as PUT /versions/…
//                      has it behind the line
//   its answer         lines "FUNCTION READY"
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "cluster/wire.h"

namespace hearth::cluster {

inline constexpr std::string_view kProvisionsTarget = "/provisions";
// Of one request: more functions are told in several.
inline constexpr std::size_t kProvisionsMost = 1'000;
inline constexpr std::uint64_t kProvisionsBytes = 8 * base::kMiB;

// So many instances of a function's current version are to be kept started there.
struct ToldProvision {
  ToldVersion told;
  std::uint64_t revision = 0;  // the function's: of two the larger is the newer
  std::uint32_t count = 0;
};
void add_provision(std::string& body, const ToldProvision& provision);
// Nothing when it is malformed, or has more than kProvisionsMost.
std::optional<std::vector<ToldProvision>> read_provisions(std::string_view body);

// How many of these are ready, by function.
using ReadyCounts = std::map<model::FunctionId, std::uint32_t>;
std::string to_body(const ReadyCounts& counts);
std::optional<ReadyCounts> read_ready_counts(std::string_view body);

}  // namespace hearth::cluster
