// Flags of asynchronous executions.
#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/role_flags.h"

namespace hearth {
namespace {

// A shorter one would take a loop that is busy for a moment for one that is lost.
constexpr std::chrono::milliseconds kShortestLease{1'000};
// A look at what is due may be late by a second; and slots within it are executed all, however many they are.
constexpr std::chrono::milliseconds kShortestGrace{1'000};
constexpr std::chrono::milliseconds kLongestGrace{3'600'000};

// So many messages may have to wait for the longest of them when the server stops.
constexpr std::chrono::milliseconds kLongestWebhookTimeout = std::chrono::minutes(5);

void add_webhook_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Webhooks");
  group
      ->add_option("--webhook-concurrency", options.webhook_concurrency,
                   "Messages sent at once; of one function half of it")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  group
      ->add_option("--webhook-retries", options.webhook_retries,
                   "How often a message that its webhook did not take is sent again")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  add_milliseconds(*group, "--webhook-timeout", options.webhooks.timeout,
                   "How long a webhook may take to answer");
  group
      ->add_option("--webhook-ca", options.webhooks.ca_file,
                   "A file of certificates (PEM) to trust instead of the system's")
      ->type_name("FILE");
}

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
  group
      ->add_option("--max-depth", options.executions.max_depth,
                   "How many executions may lead to one another in a row")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  add_webhook_flags(command, options);
}

void add_schedule_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Schedules");
  add_milliseconds(*group, "--schedule-grace", options.schedule_grace,
                   "Slots that are older were missed, and go by their schedule's policy; 1s to 1h");
}

std::string check_executions(const ServeOptions& options) {
  if (options.schedule_grace < kShortestGrace || options.schedule_grace > kLongestGrace) {
    return "--schedule-grace is from 1s to 1h";
  }
  if (options.executions.lease < kShortestLease) {
    return "--async-lease is at least 1s";
  }
  return options.webhooks.timeout > kLongestWebhookTimeout ? "--webhook-timeout is at most 300s" : "";
}

}  // namespace hearth
