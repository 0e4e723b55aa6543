// The idle moments of a session: it is asked for what it has compiled, once, and stands still.
#include <utility>

#include "worker/instance_session.h"

namespace hearth::worker {

using protocol::FrameType;

SessionActions InstanceSession::pause(const event::Pause& event) {
  SessionActions actions;
  if (event.collect && served_ && !collecting_) {
    collecting_ = true;
    collect_until_ = now_ + limits_.collect_wait;
    actions.send_collect = true;
  } else if (event.freeze && (!collecting_ || now_ >= collect_until_)) {
    actions.frozen = paused_ = true;
  }
  return actions;
}

bool InstanceSession::is_collected(const protocol::Frame& frame) const {
  return collecting_ && frame.type == FrameType::kCompiled && frame.invocation == 0;
}

SessionActions InstanceSession::collected(protocol::Frame&& frame) {
  collecting_ = false;
  SessionActions actions;
  actions.compiled = std::move(frame.payload);
  if (!running_.empty() && limits_.concurrency == 1) {  // it begins now
    running_.front().began = now_;
    set_deadline(actions, deadline_of(running_.front()));
  }
  return actions;
}

// Whoever ends by itself while it is asked would end so each time, and every call would be a cold one: nobody
// is asked again.
void InstanceSession::end_collecting(SessionActions& actions) {
  if (std::exchange(collecting_, false) && !stopped_) {
    actions.compiled = "";
  }
}

}  // namespace hearth::worker
