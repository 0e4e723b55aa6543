// The calls of a session that has loaded its handler: up to its bound at once, each with its deadline.
#include <algorithm>
#include <utility>

#include "worker/instance_session.h"

namespace hearth::worker {

using model::OutcomeKind;
using protocol::FrameType;

SessionActions InstanceSession::begin_call(const event::Invoke& invoke) {
  state_ = SessionState::kExecuting;
  running_.push_back({++last_call_, invoke.slot, now_, invoke.latest});
  in_order_ = in_order_ && invoke.latest == base::TimePoint::max();
  SessionActions actions;
  actions.send_invoke = last_call_;
  if (first_due() == running_.end() - 1) {
    set_deadline(actions, deadline_of(running_.back()));
  }
  return actions;
}

SessionActions InstanceSession::in_executing(SessionEvent& event) {
  // Only a shim that has several calls in hand sends more than one answer.
  const bool more_may_follow = running_.size() > 1;
  if (auto* received = std::get_if<event::FrameReceived>(&event)) {
    if (received->frame.type == FrameType::kLog) {
      return logged(received->frame);
    }
    if (is_collected(received->frame)) {
      return collected(std::move(received->frame));
    }
    if (more_may_follow || !received->more_follows) {
      return answered(std::move(received->frame));
    }
  }
  if (const auto* taken = std::get_if<event::TakenBack>(&event)) {
    return taken_back(*taken);
  }
  if (const auto* invoke = std::get_if<event::Invoke>(&event)) {
    return begin_call(*invoke);
  }
  if (std::holds_alternative<event::DeadlinePassed>(event)) {
    return overdue();
  }
  return interrupted(event);
}

SessionActions InstanceSession::answered(protocol::Frame&& frame) {
  if (frame.type != FrameType::kResult && frame.type != FrameType::kError) {
    return give_up(OutcomeKind::kProtocolError, out_of_place(frame));
  }
  const auto call = find_running(frame.invocation);
  const bool out_of_turn = limits_.concurrency == 1 && call != running_.begin();
  if (call == running_.end() || out_of_turn) {
    if (std::erase(overdue_, frame.invocation) == 1) {
      return {};
    }
    return give_up(OutcomeKind::kProtocolError, "the runtime answered another invocation than it was given");
  }
  auto answer = frame.type == FrameType::kResult ? protocol::decode_result(std::move(frame.payload))
                                                 : protocol::decode_error(frame.payload);
  if (!answer) {
    return give_up(OutcomeKind::kProtocolError, answer.error().message);
  }
  return finish(call, std::move(*answer));
}

SessionActions InstanceSession::finish(std::vector<RunningCall>::iterator call, protocol::Answer&& answer) {
  SessionActions actions;
  FinishedCall& finished = actions.finished.emplace_back();
  finished.slot = call->slot;
  finished.outcome = std::move(answer.outcome);
  finished.run_us = us_since(call->began);
  finished.handler_us = answer.handler_us;
  finished.reusable = !wearing_out_;
  served_ = served_ || finished.outcome.kind == OutcomeKind::kReturned;
  running_.erase(call);
  await_next(actions);
  return actions;
}

SessionActions InstanceSession::logged(const protocol::Frame& frame) {
  auto log = protocol::decode_log(frame.payload);
  if (!log) {
    return give_up(OutcomeKind::kProtocolError, log.error().message);
  }
  const auto call = find_running(frame.invocation);
  SessionActions actions;
  if (call != running_.end()) {  // what goes on after its call has ended is nobody's
    actions.logged = LoggedText{call->slot, log->stream, std::move(log->text)};
  }
  return actions;
}

base::TimePoint InstanceSession::deadline_of(const RunningCall& call) const {
  return std::min(call.began + limits_.call_timeout, call.latest);
}

// The call that runs out of time next: of those that are executed, so the first where that is one.
std::vector<InstanceSession::RunningCall>::iterator InstanceSession::first_due() {
  if (limits_.concurrency == 1 || in_order_) {
    return running_.begin();
  }
  return std::ranges::min_element(running_, {},
                                  [this](const RunningCall& call) { return deadline_of(call); });
}

SessionActions InstanceSession::overdue() {
  const auto due = first_due();
  const bool own_time = due->began + limits_.call_timeout <= due->latest;
  auto outcome = model::failed(
      OutcomeKind::kTimedOut,
      own_time ? "the function did not answer within " + std::to_string(limits_.call_timeout.count()) + " ms"
               : "the function did not answer while its caller waited");
  if (running_.size() == 1 || limits_.concurrency == 1) {
    return give_up(std::move(outcome), SessionState::kStopping);
  }
  SessionActions actions;
  const RunningCall call = *due;
  running_.erase(due);
  overdue_.push_back(call.id);
  wearing_out_ = true;
  actions.finished.push_back({call.slot, std::move(outcome), {}, us_since(call.began), 0, false});
  await_next(actions);
  return actions;
}

SessionActions InstanceSession::taken_back(const event::TakenBack& event) {
  SessionActions actions;
  const std::uint64_t first = running_.front().id;
  for (const std::uint64_t id : event.calls) {
    collecting_ = collecting_ && id != 0;  // 0: that it is asked for what it has compiled; it will be again
    if (const auto call = find_running(id); call != running_.end()) {
      FinishedCall taken;
      taken.slot = call->slot;
      taken.reusable = !wearing_out_;
      taken.started = false;
      actions.finished.push_back(std::move(taken));
      running_.erase(call);
    }
  }
  if (running_.empty() || running_.front().id != first) {
    await_next(actions);
  }
  return actions;
}

// A call has ended, and was reported: what is awaited now?
void InstanceSession::await_next(SessionActions& actions) {
  if (!running_.empty()) {
    if (limits_.concurrency == 1) {
      running_.front().began = now_;
    }
    set_deadline(actions, deadline_of(*first_due()));
    return;
  }
  actions.clear_deadline = true;
  if (!wearing_out_) {
    state_ = SessionState::kIdle;
    return;
  }
  state_ = SessionState::kStopping;
  actions.remove_sandbox = true;
  end_collecting(actions);
}

std::vector<InstanceSession::RunningCall>::iterator InstanceSession::find_running(std::uint64_t id) {
  return std::find_if(running_.begin(), running_.end(),
                      [id](const RunningCall& call) { return call.id == id; });
}

}  // namespace hearth::worker
