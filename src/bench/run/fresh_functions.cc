#include "bench/run/fresh_functions.h"

#include <fmt/format.h>

#include <numeric>

#include "base/random.h"
#include "bench/load/thread_clock.h"
#include "bench/target/server_process.h"

namespace hearth::bench {
namespace {

constexpr std::size_t kFileBytes = 1U << 20U;

std::uint64_t random_number(base::Random& random) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  random.fill(bytes);
  std::uint64_t number = 0;
  for (const std::uint8_t byte : bytes) {
    number = number << 8U | byte;
  }
  return number;
}

void write_code(const TemporaryFolder& folder, const SourceFile& source, std::uint64_t code_bytes) {
  base::SystemRandom random;
  folder.write(std::string(source.name),
               fmt::format("{}{} function {:016x}\n", source.code, source.comment, random_number(random)));
  for (std::uint64_t written = 0; written < code_bytes; written += kFileBytes) {
    std::string bytes(std::min<std::uint64_t>(kFileBytes, code_bytes - written), '\0');
    base::SeededRandom(random_number(random))
        .fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    folder.write(fmt::format("data/{}.bin", written / kFileBytes), bytes);
  }
}

}  // namespace

FreshFunctions::~FreshFunctions() {
  for (const Deployed& each : deployed_) {
    target_.target->functions()->remove(each.id);
  }
}

TestFunction FreshFunctions::function_of_run() const { return function_of(target_.spec, session_.wish()); }

base::Result<std::uint64_t> FreshFunctions::deploy(const FreshWish& wish) {
  const TemporaryFolder folder;
  const TestFunction function = wish.function.value_or(function_of_run());
  write_code(folder, source_of(function.kind, wish.runtime), wish.code_bytes);
  const std::int64_t begin_ns = monotonic_ns();
  auto id = target_.target->functions()->deploy(
      {folder.path(), wish.runtime,
       target_.spec.memory_mb.value_or(wish.memory_mb.value_or(session_.options().memory_mb)),
       target_.spec.concurrency.value_or(0)});
  if (!id) {
    return id.error();
  }
  deployed_.push_back({std::move(*id), request_body(function)});
  return static_cast<std::uint64_t>(monotonic_ns() - begin_ns);
}

base::Result<void> FreshFunctions::deploy_many(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count && !session_.stopped(); ++i) {
    if (auto deployed = deploy({}); !deployed) {
      return deployed.error();
    }
  }
  return {};
}

CallPlan FreshFunctions::plan() const {
  CallPlan plan;
  plan.address = target_.target->address();
  for (const Deployed& each : deployed_) {
    plan.requests.push_back(target_.target->functions()->request(each.id, each.body));
  }
  plan.order.resize(deployed_.size());
  std::iota(plan.order.begin(), plan.order.end(), 0U);
  plan.request_body_bytes = request_body(function_of_run()).size();
  plan.tells_start = true;
  plan.call_timeout = session_.options().call_timeout;
  return plan;
}

Stretch burst_of(const CallPlan& plan) {
  Stretch stretch;
  stretch.callers = static_cast<std::uint32_t>(plan.requests.size());
  stretch.max_calls = plan.requests.size();
  stretch.duration = plan.call_timeout;
  return stretch;
}

}  // namespace hearth::bench
