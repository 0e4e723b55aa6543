// The platform's members and its capacity as the API's JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "membership/capacity.h"
#include "model/member.h"

namespace hearth::gateway {

// {"workers": […], "gateways": […], "monitors": […]}: who has a worker is among the workers.
std::string members_json(const std::vector<model::Member>& members);

std::string capacity_json(const membership::Capacity& capacity);

}  // namespace hearth::gateway
