// What an answer's text says of its call, found by searching: parsing JSON on every call would cost more
// than the call does. Pure.
#pragma once

#include <string>
#include <string_view>

#include "bench/result.h"

namespace hearth::bench {

// From the end of an answer of Hearth's, where its "logs" stand.
Start start_in(std::string_view body_end);
// Whether a cold one found an instance that was started before anybody knew of what function it would be.
bool prestarted_in(std::string_view body_end);
// How long the handler ran, in ms; 0 when the answer does not say.
double handler_ms_in(std::string_view body_end);

// "503 no_capacity" for an answer of Hearth's, "HTTP 404" for another.
std::string reason_in(int status, std::string_view body_begin);

}  // namespace hearth::bench
