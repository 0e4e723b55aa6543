#include "messaging/redis/rendezvous.h"

#include <algorithm>
#include <numeric>

namespace hearth::messaging {
namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace

std::uint64_t rendezvous_weight(std::string_view server, std::string_view key) {
  std::uint64_t mixed = fnv1a(server) ^ fnv1a(key);
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebULL;
  return mixed ^ (mixed >> 31U);
}

std::vector<std::size_t> rendezvous_order(const std::vector<std::string>& servers, std::string_view key) {
  std::vector<std::uint64_t> weights(servers.size());
  std::ranges::transform(servers, weights.begin(),
                         [&](const std::string& server) { return rendezvous_weight(server, key); });
  std::vector<std::size_t> order(servers.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  return order;
}

}  // namespace hearth::messaging
