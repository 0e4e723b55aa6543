#include "bench/load/call_plan.h"

#include <netdb.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace hearth::bench {

base::Result<Address> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return base::Error{base::ErrorCode::kNotFound, host + ": " + ::gai_strerror(failed)};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  return address;
}

void LoadCount::add(const LoadCount& other) {
  latency.add(other.latency);
  calls += other.calls;
  calls_in_time += other.calls_in_time;
  errors += other.errors;
  for (const auto& [reason, count] : other.errors_by_reason) {
    errors_by_reason[reason] += count;
  }
  cold += other.cold;
  body_bytes += other.body_bytes;
  seconds = std::max(seconds, other.seconds);
  client_cpu = std::max(client_cpu, other.client_cpu);
  client_wait = std::max(client_wait, other.client_wait);
  lag_ns = std::max(lag_ns, other.lag_ns);
}

bool client_limits(const LoadCount& count) {
  constexpr double kBusy = 0.85;              // of a core
  constexpr double kBusyOrWaiting = 0.97;     // it never slept: what it lacked was a core
  constexpr std::uint64_t kLag = 20'000'000;  // ns
  return count.client_cpu > kBusy || count.client_cpu + count.client_wait > kBusyOrWaiting ||
         count.lag_ns > kLag;
}

Sample sample_of(const LoadCount& count) {
  Sample sample;
  sample.calls = count.calls;
  sample.errors = count.errors;
  sample.errors_by_reason = count.errors_by_reason;
  sample.cold = count.cold;
  sample.seconds = count.seconds;
  if (count.seconds > 0) {
    sample.per_second = count.calls_in_time / count.seconds;
    sample.megabytes_per_second = count.body_bytes / count.seconds / 1e6;
  }
  sample.latency = count.latency.summary();
  sample.client_cpu = count.client_cpu;
  sample.client_limited = client_limits(count);
  return sample;
}

}  // namespace hearth::bench
