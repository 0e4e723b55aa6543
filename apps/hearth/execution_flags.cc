// Flags of asynchronous executions.
#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/role_flags.h"

namespace hearth {
namespace {

// A shorter one would take a loop that is busy for a moment for one that is lost.
constexpr std::chrono::milliseconds kShortestLease{1'000};

}  // namespace

void add_execution_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Asynchronous executions");
  group
      ->add_option("--async-concurrency", options.executions.concurrency,
                   "Executed at once; of one function half of it")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  group
      ->add_option("--async-retries", options.executions.retry.retries,
                   "How often an attempt that the function failed is followed by another")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  add_milliseconds(*group, "--async-retry-delay", options.executions.retry.delay,
                   "Before the first retry; doubled for each more, an hour at most");
  add_milliseconds(*group, "--async-max-age", options.executions.retry.max_age,
                   "Older ones are not tried again");
  add_milliseconds(*group, "--async-lease", options.executions.lease,
                   "How long nobody else executes what somebody does not tell of any more; 1s at least");
  group->add_option("--async-backlog", options.backlog.executions, "Most that have not ended")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  add_bytes(*group, "--async-backlog-bytes", options.backlog.input_bytes, "4GiB",
            "Most bytes of their inputs");
  add_bytes(*group, "--async-min-free-disk", options.backlog.room_bytes, "256MiB",
            "Nothing is accepted while the data directory has less room, on its disk and inside its files");
  group
      ->add_option("--async-function-backlog", options.backlog.of_a_function,
                   "Most of one function that have not ended")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  add_milliseconds(*group, "--async-retention", options.retention.age,
                   "How long they are kept after their end");
  group->add_option("--async-retention-count", options.retention.count, "Most that are kept after their end")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
}

std::string check_executions(const ServeOptions& options) {
  return options.executions.lease < kShortestLease ? "--async-lease is at least 1s" : "";
}

}  // namespace hearth
