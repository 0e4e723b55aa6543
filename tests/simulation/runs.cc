#include "tests/simulation/runs.h"

#include <fmt/format.h>

namespace hearth::simulation {
namespace {

std::string place(ProcessId process, const model::ExecutionId& execution) {
  return fmt::format("{}/{}", process, execution);
}

}  // namespace

std::uint64_t Runs::sent(ProcessId process, const model::ExecutionId& execution) {
  calls_.push_back({process, execution, 0});
  return calls_.size();
}

std::uint64_t Runs::began(std::uint64_t call, const std::string& input, std::uint32_t version,
                          base::TimePoint now) {
  SentCall& sent = calls_.at(call - 1);
  runs_.push_back({call, input, version, now});
  if (sent.run != 0) {
    trace_.violation(fmt::format("call {} of {} is executed twice", call, sent.execution));
  }
  sent.run = runs_.size();
  ++of_[sent.execution];
  trace_.mix(sent.run);
  return sent.run;
}

void Runs::delivered(std::uint64_t call, const model::Outcome& outcome, base::TimePoint now) {
  const SentCall& sent = this->call(call);
  deliveries_[place(sent.process, sent.execution)].push_back({outcome.kind, outcome.output, sent.run, now});
}

std::uint64_t Runs::of(const model::ExecutionId& execution) const {
  const auto found = of_.find(execution);
  return found == of_.end() ? 0 : found->second;
}

const std::vector<Delivery>& Runs::deliveries(ProcessId process, const model::ExecutionId& execution) const {
  static const std::vector<Delivery> none;
  const auto found = deliveries_.find(place(process, execution));
  return found == deliveries_.end() ? none : found->second;
}

}  // namespace hearth::simulation
