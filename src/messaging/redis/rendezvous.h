// Which of several servers keeps what: rendezvous, or highest random weight, hashing (Thaler and Ravishankar,
// "Using name-based mappings to increase hit rates", 1998). Pure.
//
// Every process finds the same server without asking anybody, and when a server is lost only what it kept
// moves. The hash is a part of what processes agree on: all of a platform give the servers the same names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::messaging {

// FNV-1a (64 bits) of the server's name and of the key, one XOR the other, through splitmix64's finalizer.
std::uint64_t rendezvous_weight(std::string_view server, std::string_view key);

// The places of `servers`, the heaviest for `key` first; of two that weigh the same the first named.
std::vector<std::size_t> rendezvous_order(const std::vector<std::string>& servers, std::string_view key);

}  // namespace hearth::messaging
