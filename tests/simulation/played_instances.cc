#include "tests/simulation/played_instances.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace hearth::simulation {
namespace {

using model::OutcomeKind;
using std::chrono::microseconds;

constexpr double kStartMedianUs = 60'000;
constexpr double kStartDeviation = 0.5;
constexpr microseconds kRemoval{5'000};

// Whose instance goes on.
bool is_reusable(OutcomeKind kind) {
  return kind == OutcomeKind::kReturned || kind == OutcomeKind::kThrew || kind == OutcomeKind::kBadInput ||
         kind == OutcomeKind::kBadOutput || kind == OutcomeKind::kResponseTooLarge;
}

}  // namespace

std::string answer_of(std::uint64_t run, const std::string& input) {
  return fmt::format(R"({{"run":{},"echo":{}}})", run, input);
}

class PlayedInstances::PlayedInstance final : public worker::Instance {
 public:
  PlayedInstance(PlayedInstances& owner, worker::InstanceStart start, worker::InstanceEvents& events)
      : owner_(owner), events_(events), name_(std::move(start.name)), version_(std::move(start.version)) {
    const auto us = static_cast<std::int64_t>(owner_.dice_.log_normal(kStartMedianUs, kStartDeviation));
    const OutcomeKind fate = owner_.parts_.directory.start_fate(*version_, owner_.dice_);
    timer_ = after(microseconds(us), [this, fate] { started(fate); });
  }
  PlayedInstance(const PlayedInstance&) = delete;
  PlayedInstance& operator=(const PlayedInstance&) = delete;
  ~PlayedInstance() override {
    owner_.parts_.loop.cancel(timer_);
    owner_.parts_.loop.cancel(end_timer_);
  }

  void invoke(worker::InstanceCall call) override {
    const CallFate fate = owner_.parts_.directory.fate(*version_, owner_.dice_);
    slot_ = call.slot;
    executing_ = true;
    const std::size_t bar = call.body->find('|');
    std::uint64_t number = 0;
    std::from_chars(call.body->data(), call.body->data() + bar, number);
    const std::string input = call.body->substr(bar + 1);
    const std::uint64_t run =
        owner_.parts_.runs.began(number, input, version_->number, owner_.parts_.loop.now());
    owner_.parts_.began(run);
    timer_ =
        after(fate.run, [this, kind = fate.kind, output = answer_of(run, input)] { finish(kind, output); });
  }
  void assign(worker::InstanceStart) override {}  // none is pre-started
  bool takes_behind() const override { return false; }
  void take_back() override {}
  void stop() override {
    if (end_timer_ == 0) {
      owner_.parts_.loop.cancel(std::exchange(timer_, 0));
      end_timer_ = after(kRemoval, [this] { stopped(); });
    }
  }

 private:
  template <typename Then>
  base::TimerId after(microseconds pause, Then then) {
    return owner_.parts_.loop.at(owner_.parts_.loop.now() + pause, std::move(then));
  }

  void started(OutcomeKind fate) {
    timer_ = 0;
    if (fate == OutcomeKind::kReturned) {
      events_.loaded(name_, {});
      return;
    }
    end_timer_ = after(kRemoval, [this] { stopped(); });
    events_.start_failed(name_, model::failed(fate, "it does not start"), {}, {});
  }

  void finish(OutcomeKind kind, const std::string& output) {
    timer_ = 0;
    executing_ = false;
    worker::FinishedCall call;
    call.slot = slot_;
    call.outcome =
        kind == OutcomeKind::kReturned ? model::Outcome{kind, output, {}} : model::failed(kind, "it fails");
    call.reusable = is_reusable(kind);
    if (!call.reusable) {
      end_timer_ = after(kRemoval, [this] { stopped(); });
    }
    events_.finished(name_, std::move(call));
  }

  // What was executing finishes first.
  void stopped() {
    if (executing_) {
      end_timer_ = after(kRemoval, [this] { stopped(); });
      finish_stopped();
      return;
    }
    events_.ended(name_);
  }
  void finish_stopped() {
    executing_ = false;
    worker::FinishedCall call;
    call.slot = slot_;
    call.outcome = model::failed(OutcomeKind::kExited, "it was stopped");
    events_.finished(name_, std::move(call));
  }

  PlayedInstances& owner_;
  worker::InstanceEvents& events_;
  const std::string name_;
  const model::VersionPtr version_;
  std::uint32_t slot_ = 0;
  bool executing_ = false;
  base::TimerId timer_ = 0;
  base::TimerId end_timer_ = 0;
};

std::unique_ptr<worker::Instance> PlayedInstances::start(worker::InstanceStart start,
                                                         worker::InstanceEvents& events) {
  return std::make_unique<PlayedInstance>(*this, std::move(start), events);
}

std::unique_ptr<worker::Instance> PlayedInstances::prestart(worker::Prestart, worker::InstanceEvents&) {
  return nullptr;  // the simulated workers keep none
}

}  // namespace hearth::simulation
