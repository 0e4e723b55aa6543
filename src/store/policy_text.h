// What is said of a function beside its versions, as the stores keep it: JSON objects of the fields that were
// given. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/policy.h"

namespace hearth::store {

std::string concurrency_to_text(const model::Concurrency& concurrency);
std::string async_to_text(const model::AsyncPolicy& policy);

// kCorrupt when they are damaged. Fields of a newer release are ignored.
base::Result<model::Concurrency> concurrency_from_text(std::string_view text);
base::Result<model::AsyncPolicy> async_from_text(std::string_view text);

}  // namespace hearth::store
