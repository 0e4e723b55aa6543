// The gauges of a platform on several hosts, in Prometheus' exposition format (version 0.0.4). Pure.
#pragma once

#include <string>

#include "membership/capacity.h"

namespace hearth::membership {

std::string fleet_metrics(const Capacity& capacity);

}  // namespace hearth::membership
