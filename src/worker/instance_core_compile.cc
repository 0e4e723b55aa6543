// What instances have compiled, from one to the next.
#include <algorithm>
#include <utility>

#include "worker/instance_core.h"

namespace hearth::worker {

// What an earlier one has compiled for a runtime like this, if there is any.
std::shared_ptr<const std::string> InstanceCore::take_fitting() {
  const auto compiled = std::exchange(compiled_, nullptr);
  if (compiled == nullptr) {
    return nullptr;
  }
  if (compiled->compiles != session_.compiles()) {  // another release: this one's takes its place
    parts_->code.discard(start_.version->id);
    return nullptr;
  }
  collects_ = false;
  if (compiled->bytes.empty()) {
    return nullptr;
  }
  given_compiled_ = true;
  ++parts_->compile_counts.given;
  return {compiled, &compiled->bytes};
}

// Of one instance at a time; what it sends is for those that start later.
bool InstanceCore::should_collect() const {
  return collects_ && parts_->options.compile_cache_bytes > 0 && !session_.compiles().empty() && !asked_ &&
         !parts_->asked.contains(start_.version->id);
}

void InstanceCore::send_collect() {
  asked_ = true;
  parts_->asked.insert(start_.version->id);
  channel_->expect_compiled(parts_->options.compile_cache_bytes);
  const std::string frame = protocol::encode_frame(protocol::FrameType::kCollect, 0, "");
  if (start_.version->concurrency == 1) {
    channel_->send(frame, nullptr);
  } else {
    channel_->send_soon(frame, "");
  }
}

void InstanceCore::mind_compiled(SessionActions& actions) {
  if (actions.compiled) {
    channel_->shrink();
    parts_->compile_counts.kept += actions.compiled->empty() ? 0 : 1;
    parts_->code.keep(start_.version->id, {session_.compiles(), std::move(*actions.compiled)});
  }
  if (actions.unproven && given_compiled_) {  // the next one had better do without
    parts_->code.discard(start_.version->id);
  }
  if (actions.report_ended && asked_) {
    parts_->asked.erase(start_.version->id);
  }
}

// The question itself has no invocation's id. It or another may be asked again.
void InstanceCore::mind_taken_back(const std::vector<std::uint64_t>& calls) {
  if (std::ranges::find(calls, 0U) != calls.end() && std::exchange(asked_, false)) {
    parts_->asked.erase(start_.version->id);
  }
}

}  // namespace hearth::worker
