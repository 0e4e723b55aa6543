// Whether a request carries the key that a server asks for. Pure.
#pragma once

#include <string_view>

#include "http/message.h"

namespace hearth::http {

// As "Authorization: Bearer KEY" or "X-Api-Key: KEY"; an empty key is everybody's. Takes a time that says
// nothing of where a wrong key differs.
bool carries_key(const RequestHead& head, std::string_view key);

}  // namespace hearth::http
