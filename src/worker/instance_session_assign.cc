// The part of a session that was started before its version was known.
#include "worker/instance_session.h"

namespace hearth::worker {

using model::OutcomeKind;

SessionActions InstanceSession::in_waiting(const SessionEvent& event) {
  const auto* assigned = std::get_if<event::Assigned>(&event);
  if (assigned == nullptr) {
    return interrupted(event);
  }
  state_ = SessionState::kAssigning;
  prestarted_ = false;
  limits_.call_timeout = assigned->call_timeout;
  limits_.concurrency = assigned->concurrency;
  // What came before it is not of this version's start.
  steps_ = {};
  steps_.cold = steps_.prestarted = true;
  lap_ = now_;
  SessionActions actions;
  set_deadline(actions, now_ + limits_.start_timeout);
  return actions;
}

SessionActions InstanceSession::in_assigning(const SessionEvent& event) {
  SessionActions actions;
  if (std::holds_alternative<event::CodeFetched>(event)) {
    steps_.code_us = lap_us();
    actions.mount_code = true;
  } else if (std::holds_alternative<event::CodeMounted>(event)) {
    steps_.sandbox_us = lap_us();
    begin_init(actions);
  } else if (const auto* failed = std::get_if<event::CodeFailed>(&event)) {
    return give_up(OutcomeKind::kStartFailed, "code: " + failed->error.message);
  } else if (const auto* not_mounted = std::get_if<event::CodeNotMounted>(&event)) {
    return give_up(OutcomeKind::kStartFailed, "sandbox: " + not_mounted->error.message);
  } else if (std::holds_alternative<event::DeadlinePassed>(event)) {
    return give_up(OutcomeKind::kStartFailed,
                   "the code was not there within " + std::to_string(limits_.start_timeout.count()) + " ms");
  } else {
    return interrupted(event);
  }
  return actions;
}

}  // namespace hearth::worker
