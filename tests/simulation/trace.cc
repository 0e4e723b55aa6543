#include "tests/simulation/trace.h"

#include <fmt/format.h>

namespace hearth::simulation {

void Trace::mix(std::uint64_t value) {
  const auto now = static_cast<std::uint64_t>(loop_.now().time_since_epoch().count());
  hash_ = (hash_ ^ value) * 0x100000001b3ULL;
  hash_ = (hash_ ^ now ^ (hash_ >> 29U)) * 0xbf58476d1ce4e5b9ULL;
}

void Trace::mix(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  mix(hash);
}

void Trace::fault(const std::string& what) {
  mix(what);
  faults_.push_back(line(what));
}

void Trace::violation(const std::string& what) {
  mix(what);
  if (violations_.size() < kViolationsKept) {
    violations_.push_back(line(what));
  }
}

std::int64_t Trace::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(loop_.now() - began_).count();
}

std::string Trace::line(const std::string& what) const {
  return fmt::format("{:>7}.{:03} s  {}", now_ms() / 1'000, now_ms() % 1'000, what);
}

}  // namespace hearth::simulation
