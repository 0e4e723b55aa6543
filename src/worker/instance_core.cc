#include "worker/instance_core.h"

#include <csignal>
#include <utility>

#include "base/log.h"
#include "model/execution.h"

namespace hearth::worker {
namespace {

// A shell reports a child's abort as this exit code.
constexpr int kAbortExitCode = 128 + SIGABRT;

bool aborted(const sandbox::Exit& exit) {
  return (exit.reason == sandbox::ExitReason::kSignaled && exit.code == SIGABRT) ||
         (exit.reason == sandbox::ExitReason::kExited && exit.code == kAbortExitCode);
}

SessionLimits session_limits(const SandboxedInstanceOptions& options, const model::Version* version) {
  SessionLimits limits;
  limits.start_timeout = options.start_timeout;
  limits.init_timeout = options.init_timeout;
  if (version != nullptr) {
    limits.call_timeout = std::chrono::milliseconds(version->timeout_ms);
    limits.concurrency = version->concurrency;
  }
  return limits;
}

}  // namespace

InstanceCore::InstanceCore(std::shared_ptr<InstanceParts> parts, InstanceStart start, InstanceEvents& events)
    : parts_(std::move(parts)),
      start_(std::move(start)),
      sandbox_name_(start_.name),
      events_(&events),
      session_(session_limits(parts_->options, start_.version.get()), SessionStart::kWithVersion,
               parts_->loop.now()) {
  prepare_captures();
}

InstanceCore::InstanceCore(std::shared_ptr<InstanceParts> parts, Prestart prestart, InstanceEvents& events)
    : parts_(std::move(parts)),
      start_{prestart.name, {}, nullptr},
      sandbox_name_(prestart.name),
      prestart_(std::move(prestart)),
      events_(&events),
      session_(session_limits(parts_->options, nullptr), SessionStart::kPrestarted, parts_->loop.now()) {}

void InstanceCore::begin() {
  set_timer(session_.deadline());
  if (prestart_) {
    start_sandbox();
  } else {
    fetch_code();
  }
}

void InstanceCore::assign(InstanceStart start) {
  start_ = std::move(start);
  prepare_captures();
  step_from_heart(
      event::Assigned{std::chrono::milliseconds(start_.version->timeout_ms), start_.version->concurrency});
  fetch_code();
}

void InstanceCore::invoke(InstanceCall call) {
  PauseQueue::busy(*this);
  call_ = std::move(call);
  step_from_heart(event::Invoke{call_.slot, call_.latest});
}

bool InstanceCore::takes_behind() const {
  return one_at_a_time() && channel_ && channel_->takes_more() && !gone_ &&
         session_.state() == SessionState::kExecuting;
}

void InstanceCore::take_back() {
  in_call_ = true;
  reclaim();
  in_call_ = false;
  if (session_.state() == SessionState::kIdle && !session_.paused()) {
    parts_->pauses.idle(*this, parts_->loop.now());
  }
}

void InstanceCore::abandon() {
  events_ = nullptr;
  stop();
}

void InstanceCore::exited(const sandbox::Exit& exit) {
  const auto self = shared_from_this();
  gone_ = true;
  bool heap_exhausted = false;
  if (channel_) {
    channel_->read_rest();
    heap_exhausted = aborted(exit) && channel_ && channel_->err_contains(kNodeHeapExhausted);
  }
  step(event::Exited{exit, heap_exhausted});
}

void InstanceCore::prepare_captures() {
  const std::uint32_t most = one_at_a_time() ? model::kBehindMost : start_.version->concurrency;
  captures_.assign(most, LogCapture(parts_->options.invocation.log_bytes));
}

void InstanceCore::fetch_code() {
  parts_->code.fetch({start_.version->id, start_.version->code_digest},
                     [weak = weak_from_this()](base::Result<VersionCode> code) {
                       if (const auto self = weak.lock()) {
                         self->code_fetched(std::move(code));
                       }
                     });
}

void InstanceCore::code_fetched(base::Result<VersionCode> code) {
  if (!code) {
    step(event::CodeFailed{code.error()});
    return;
  }
  code_folder_ = std::move(code->folder);
  compiled_ = std::move(code->compiled);
  step(event::CodeFetched{});
}

void InstanceCore::start_sandbox() {
  channel_ =
      std::make_unique<InstanceChannel>(parts_->reactor, parts_->buffers, parts_->options.invocation, *this);
  auto ends = channel_->open();
  auto code = code_folder_ ? code_folder_->duplicate() : base::Result<base::UniqueFd>(base::UniqueFd());
  auto wanted = spec();
  if (!ends || !code || !wanted) {
    parts_->loop.post(
        [self = shared_from_this(), error = !ends   ? ends.error()
                                            : !code ? code.error()
                                                    : wanted.error()] { self->sandbox_started(error); });
    return;
  }
  parts_->host.start(std::move(*wanted),
                     {std::move(*code), std::move(ends->requests), std::move(ends->out), std::move(ends->err),
                      std::move(ends->answers)},
                     [weak = weak_from_this()](base::Result<sandbox::Control> started) {
                       if (const auto self = weak.lock()) {
                         self->sandbox_started(std::move(started));
                       }
                     });
}

base::Result<sandbox::Spec> InstanceCore::spec() const {
  const SandboxedInstanceOptions& options = parts_->options;
  return prestart_ ? prestart_spec(*prestart_, options.programs, options.limits)
                   : sandbox_spec(sandbox_name_, *start_.version, options.programs, options.limits);
}

void InstanceCore::sandbox_started(base::Result<sandbox::Control> started) {
  if (!started) {
    step(event::SandboxFailed{started.error()});
    return;
  }
  control_ = std::move(*started);
  step(event::SandboxStarted{});
  if (session_.state() == SessionState::kBooting) {
    channel_->start_reading();
  }
}

void InstanceCore::mount_code() {
  const auto tell = [weak = weak_from_this()](const base::Result<void>& mounted) {
    const auto self = weak.lock();
    if (self == nullptr) {
      return;
    }
    if (mounted) {
      self->step(event::CodeMounted{});
    } else {
      self->step(event::CodeNotMounted{mounted.error()});
    }
  };
  auto code = code_folder_->duplicate();
  if (!code) {
    parts_->loop.post([tell, error = code.error()] { tell(error); });
    return;
  }
  parts_->host.assign(sandbox_name_, sandbox_limits(*start_.version, parts_->options.limits),
                      std::move(*code), tell);
}

void InstanceCore::step_from_heart(SessionEvent&& event) {
  in_call_ = true;
  step(std::move(event));
  in_call_ = false;
}

// Calls that stand behind another have not begun: whatever happens to it, they may be executed elsewhere.
void InstanceCore::reclaim() {
  if (!one_at_a_time() || !channel_ || session_.calls_in_hand() < 2) {
    return;
  }
  if (auto calls = channel_->take_back(); !calls.empty()) {
    mind_taken_back(calls);
    perform(session_.on(event::TakenBack{std::move(calls)}, parts_->loop.now()));
  }
}

void InstanceCore::step(SessionEvent&& event) {
  const auto self = shared_from_this();
  if (!std::holds_alternative<event::FrameReceived>(event) && !std::holds_alternative<event::Invoke>(event)) {
    reclaim();
  }
  const base::TimePoint now = parts_->loop.now();
  const bool goes_on = std::holds_alternative<event::Pause>(event) && !freezes();
  perform(session_.on(std::move(event), now));
  if (session_.state() == SessionState::kIdle && !session_.paused() && !goes_on) {
    parts_->pauses.idle(*this, now);
  }
}

// In the order that SessionActions has them.
void InstanceCore::perform(SessionActions&& actions) {
  if (actions.start_sandbox) {
    start_sandbox();
  }
  if (actions.mount_code) {
    mount_code();
  }
  if (actions.send_init) {
    send_init();
  }
  if (actions.send_invoke) {
    send_invoke(*actions.send_invoke);
  }
  if (actions.send_collect) {
    send_collect();
  }
  if (actions.frozen) {
    set_frozen(*actions.frozen);
  }
  if (actions.deadline) {
    set_timer(*actions.deadline);
  } else if (actions.clear_deadline) {
    deadline_ = base::TimePoint::max();
  }
  if (actions.cap_cpu) {
    channel_->shrink();
    cap_cpu();
  }
  if (actions.remove_sandbox) {
    parts_->host.remove(sandbox_name_);
  }
  if (actions.logged) {
    captures_[actions.logged->slot].add(actions.logged->stream, actions.logged->text);
  }
  mind_compiled(actions);
  model::CapturedLogs logs;
  if (channel_ && actions.report == Report::kStartFailed) {
    logs = channel_->take_logs();
  }
  for (FinishedCall& call : actions.finished) {
    if (call.started) {
      call.logs = logs_of(call.slot);
    }
    call.reusable = call.reusable && !gone_;
  }
  if (actions.remove_sandbox || actions.report_ended) {
    channel_.reset();
  }
  if (actions.report_ended) {
    parts_->living.erase(sandbox_name_);
  }
  tell(std::move(actions), std::move(logs));
}

void InstanceCore::tell(SessionActions&& actions, model::CapturedLogs&& logs) {
  if (actions.report == Report::kNothing && actions.finished.empty() && !actions.report_ended) {
    return;
  }
  if (!in_call_) {
    report(std::move(actions), std::move(logs));
    return;
  }
  auto held =
      std::make_shared<std::pair<SessionActions, model::CapturedLogs>>(std::move(actions), std::move(logs));
  parts_->loop.post(
      [self = shared_from_this(), held] { self->report(std::move(held->first), std::move(held->second)); });
}

// The heart may do anything from inside these calls, letting go of the instance included.
void InstanceCore::report(SessionActions&& actions, model::CapturedLogs&& logs) {
  if (events_ != nullptr) {
    switch (actions.report) {
      case Report::kNothing:
        break;
      case Report::kBooted:
        events_->booted(start_.name);
        break;
      case Report::kLoaded:
        events_->loaded(start_.name, session_.start_steps());
        break;
      case Report::kStartFailed:
        events_->start_failed(start_.name, std::move(actions.outcome), std::move(logs),
                              session_.start_steps());
        break;
    }
  }
  for (FinishedCall& call : actions.finished) {
    if (events_ != nullptr) {
      events_->finished(start_.name, std::move(call));
    }
  }
  if (events_ != nullptr && actions.report_ended) {
    events_->ended(start_.name);
  }
}

void InstanceCore::send_init() {
  auto fields = init_of(start_, parts_->options.programs.code);
  auto compiled = take_fitting();
  fields.compile_cache_bytes = compiled || collects_ ? parts_->options.compile_cache_bytes : 0;
  auto init = protocol::encode_init(fields, compiled ? compiled->size() : 0);
  if (init) {
    channel_->send(*init, std::move(compiled));
    return;
  }
  parts_->loop.post(
      [self = shared_from_this(), error = init.error()] { self->step(event::ChannelFailed{error}); });
}

void InstanceCore::send_invoke(std::uint64_t invocation) {
  const std::size_t body_bytes = call_.body ? call_.body->size() : 0;
  const auto head = protocol::encode_invoke_head(
      invocation, call_.remaining_ms(*start_.version, parts_->loop), call_.request_id, body_bytes);
  if (start_.version->concurrency == 1) {
    channel_->send(head.view(), std::move(call_.body));
  } else {
    static const std::string kNoBody;
    channel_->send_soon(head.view(), call_.body ? *call_.body : kNoBody);
    call_.body.reset();
  }
}

// What the call wrote by frames, and then what was written past them.
model::CapturedLogs InstanceCore::logs_of(std::uint32_t slot) {
  if (!channel_) {
    return captures_[slot].take();
  }
  // Looked for where they can only be this call's.
  const bool alone = start_.version->concurrency == 1 && session_.calls_in_hand() == 0;
  auto past = alone || gone_ ? channel_->take_logs() : channel_->take_captured();
  for (const auto& chunk : past.chunks) {
    captures_[slot].add(chunk.stream, chunk.text);
  }
  auto logs = captures_[slot].take();
  logs.truncated = logs.truncated || past.truncated;
  return logs;
}

// A deadline that moves on leaves the timer as it is: most calls end long before theirs, and the timer
// finds the newest when it fires.
void InstanceCore::set_timer(base::TimePoint when) {
  deadline_ = when;
  if (timer_ != 0 && armed_for_ <= when) {
    return;
  }
  parts_->loop.cancel(timer_);
  armed_for_ = when;
  timer_ = parts_->loop.at(when, [this] {  // cancelled by the destructor
    timer_ = 0;
    if (deadline_ <= parts_->loop.now()) {
      step(event::DeadlinePassed{});
    } else if (deadline_ != base::TimePoint::max()) {
      set_timer(deadline_);
    }
  });
}

void InstanceCore::set_frozen(bool frozen) {
  if (auto set = control_.set_frozen(frozen); !set) {
    spdlog::warn("instance {}: {}", start_.name, set.error().message);
  }
  // Where nothing stops it, it may come to use more.
  const std::uint64_t bytes = frozen && control_.freezer.valid() ? control_.used_bytes() : 0;
  if (bytes > 0 && events_ != nullptr) {
    events_->paused(start_.name, static_cast<std::uint32_t>((bytes + base::kMiB - 1) / base::kMiB));
  }
}

void InstanceCore::cap_cpu() {
  if (parts_->options.limits.cpu_millicores == 0) {
    return;
  }
  auto limits = sandbox_limits(*start_.version, parts_->options.limits);
  limits.cpu_millicores = parts_->options.limits.cpu_millicores;
  parts_->host.set_limits(sandbox_name_, limits);
}

}  // namespace hearth::worker
