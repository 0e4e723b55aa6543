#include "worker/sandboxed_instance.h"

#include <csignal>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/execution.h"
#include "worker/instance_channel.h"
#include "worker/instance_session.h"
#include "worker/log_capture.h"

namespace hearth::worker {
namespace {

// A shell reports a child's abort as this exit code.
constexpr int kAbortExitCode = 128 + SIGABRT;

bool aborted(const sandbox::Exit& exit) {
  return (exit.reason == sandbox::ExitReason::kSignaled && exit.code == SIGABRT) ||
         (exit.reason == sandbox::ExitReason::kExited && exit.code == kAbortExitCode);
}

}  // namespace

// What all instances of one factory use.
struct SandboxedInstanceFactory::Shared {
  base::Reactor& reactor;
  base::EventLoop& loop;
  sandbox::Host& host;
  CodeFolders code_folders;
  SandboxedInstanceOptions options;
  std::shared_ptr<ReadBuffers> buffers = std::make_shared<ReadBuffers>();
  // Every instance until nothing is left of it, also when the heart has let go of it.
  std::unordered_map<std::string, std::shared_ptr<Core>> living;
};

// One instance. Lives until nothing is left of it and the heart has let go.
class SandboxedInstanceFactory::Core : public std::enable_shared_from_this<Core>,
                                       public InstanceChannel::Events {
 public:
  Core(std::shared_ptr<Shared> shared, InstanceStart start, InstanceEvents& events)
      : shared_(std::move(shared)),
        start_(std::move(start)),
        events_(&events),
        session_(session_limits(), shared_->loop.now()) {
    const std::uint32_t most =
        start_.version->concurrency == 1 ? model::kBehindMost : start_.version->concurrency;
    captures_.assign(most, LogCapture(shared_->options.invocation.log_bytes));
  }
  ~Core() override { shared_->loop.cancel(timer_); }

  void begin() {
    set_timer(session_.deadline());
    shared_->code_folders(start_.version->code_digest,
                          [weak = weak_from_this()](base::Result<CodeFolder> folder) {
                            if (const auto self = weak.lock()) {
                              self->code_fetched(std::move(folder));
                            }
                          });
  }

  void invoke(InstanceCall call) {
    call_ = std::move(call);
    step_from_heart(event::Invoke{call_.slot, call_.latest});
  }

  bool takes_behind() const {
    return start_.version->concurrency == 1 && channel_ && channel_->takes_more() && !gone_ &&
           session_.state() == SessionState::kExecuting;
  }

  void take_back() {
    in_call_ = true;
    reclaim();
    in_call_ = false;
  }

  void stop() { step_from_heart(event::Stop{}); }

  // The heart lets go: no event comes any more, the end goes on.
  void abandon() {
    events_ = nullptr;
    stop();
  }

  void exited(const sandbox::Exit& exit) {
    const auto self = shared_from_this();
    gone_ = true;
    bool heap_exhausted = false;
    if (channel_) {
      channel_->read_rest();
      heap_exhausted = aborted(exit) && channel_ && channel_->err_contains(kNodeHeapExhausted);
    }
    step(event::Exited{exit, heap_exhausted});
  }

 private:
  SessionLimits session_limits() const {
    SessionLimits limits;
    limits.start_timeout = shared_->options.start_timeout;
    limits.init_timeout = shared_->options.init_timeout;
    limits.call_timeout = std::chrono::milliseconds(start_.version->timeout_ms);
    limits.concurrency = start_.version->concurrency;
    return limits;
  }

  void frame_received(protocol::Frame frame, bool more_follows) override {
    step(event::FrameReceived{std::move(frame), more_follows});
  }
  void channel_failed(base::Error error) override { step(event::ChannelFailed{std::move(error)}); }
  void channel_ended(bool mid_frame) override { step(event::ChannelEnded{mid_frame}); }

  void code_fetched(base::Result<CodeFolder> folder) {
    if (!folder) {
      step(event::CodeFailed{folder.error()});
      return;
    }
    code_folder_ = std::move(*folder);
    step(event::CodeFetched{});
  }

  void sandbox_started(const base::Result<void>& started) {
    if (!started) {
      step(event::SandboxFailed{started.error()});
      return;
    }
    step(event::SandboxStarted{});
    if (session_.state() == SessionState::kBooting) {
      channel_->start_reading();
    }
  }

  void step_from_heart(SessionEvent&& event) {
    in_call_ = true;
    step(std::move(event));
    in_call_ = false;
  }

  // Calls that stand behind another have not begun: whatever happens to it, they may be executed elsewhere.
  void reclaim() {
    if (start_.version->concurrency > 1 || !channel_ || session_.calls_in_hand() < 2) {
      return;
    }
    if (auto calls = channel_->take_back(); !calls.empty()) {
      perform(session_.on(event::TakenBack{std::move(calls)}, shared_->loop.now()));
    }
  }

  void step(SessionEvent&& event) {
    const auto self = shared_from_this();
    if (!std::holds_alternative<event::FrameReceived>(event) &&
        !std::holds_alternative<event::Invoke>(event)) {
      reclaim();
    }
    perform(session_.on(std::move(event), shared_->loop.now()));
  }

  // In the order that SessionActions has them.
  void perform(SessionActions&& actions) {
    if (actions.start_sandbox) {
      start_sandbox();
    }
    if (actions.send_init) {
      send_init();
    }
    if (actions.send_invoke) {
      send_invoke(*actions.send_invoke);
    }
    if (actions.deadline) {
      set_timer(*actions.deadline);
    } else if (actions.clear_deadline) {
      deadline_ = base::TimePoint::max();
    }
    if (actions.cap_cpu) {
      cap_cpu();
    }
    if (actions.remove_sandbox) {
      shared_->host.remove(start_.name);
    }
    if (actions.logged) {
      captures_[actions.logged->slot].add(actions.logged->stream, actions.logged->text);
    }
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
      shared_->living.erase(start_.name);
    }
    tell(std::move(actions), std::move(logs));
  }

  void tell(SessionActions&& actions, model::CapturedLogs&& logs) {
    if (actions.report == Report::kNothing && actions.finished.empty() && !actions.report_ended) {
      return;
    }
    if (!in_call_) {
      report(std::move(actions), std::move(logs));
      return;
    }
    auto held =
        std::make_shared<std::pair<SessionActions, model::CapturedLogs>>(std::move(actions), std::move(logs));
    shared_->loop.post(
        [self = shared_from_this(), held] { self->report(std::move(held->first), std::move(held->second)); });
  }

  // The heart may do anything from inside these calls, letting go of the instance included.
  void report(SessionActions&& actions, model::CapturedLogs&& logs) {
    if (events_ != nullptr) {
      switch (actions.report) {
        case Report::kNothing:
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

  void start_sandbox() {
    channel_ = std::make_unique<InstanceChannel>(shared_->reactor, shared_->buffers,
                                                 shared_->options.invocation, *this);
    auto ends = channel_->open();
    auto code = code_folder_->duplicate();
    auto spec =
        sandbox_spec(start_.name, *start_.version, shared_->options.programs, shared_->options.limits);
    if (!ends || !code || !spec) {
      shared_->loop.post(
          [self = shared_from_this(), error = !ends   ? ends.error()
                                              : !code ? code.error()
                                                      : spec.error()] { self->sandbox_started(error); });
      return;
    }
    shared_->host.start(std::move(*spec),
                        {std::move(*code), std::move(ends->requests), std::move(ends->out),
                         std::move(ends->err), std::move(ends->answers)},
                        [weak = weak_from_this()](const base::Result<void>& started) {
                          if (const auto self = weak.lock()) {
                            self->sandbox_started(started);
                          }
                        });
  }

  void send_init() {
    auto init = protocol::encode_init(init_of(start_, shared_->options.programs.code));
    if (init) {
      channel_->send(*init, nullptr);
      return;
    }
    shared_->loop.post(
        [self = shared_from_this(), error = init.error()] { self->step(event::ChannelFailed{error}); });
  }

  void send_invoke(std::uint64_t invocation) {
    const std::size_t body_bytes = call_.body ? call_.body->size() : 0;
    const auto head = protocol::encode_invoke_head(
        invocation, call_.remaining_ms(*start_.version, shared_->loop), call_.request_id, body_bytes);
    if (start_.version->concurrency == 1) {
      channel_->send(head.view(), std::move(call_.body));
    } else {
      static const std::string kNoBody;
      channel_->send_soon(head.view(), call_.body ? *call_.body : kNoBody);
      call_.body.reset();
    }
  }

  // What the call wrote by frames, and then what was written past them.
  model::CapturedLogs logs_of(std::uint32_t slot) {
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
  void set_timer(base::TimePoint when) {
    deadline_ = when;
    if (timer_ != 0 && armed_for_ <= when) {
      return;
    }
    shared_->loop.cancel(timer_);
    armed_for_ = when;
    timer_ = shared_->loop.at(when, [this] {  // cancelled by the destructor
      timer_ = 0;
      if (deadline_ <= shared_->loop.now()) {
        step(event::DeadlinePassed{});
      } else if (deadline_ != base::TimePoint::max()) {
        set_timer(deadline_);
      }
    });
  }

  void cap_cpu() {
    if (shared_->options.limits.cpu_millicores == 0) {
      return;
    }
    auto limits = sandbox_limits(*start_.version, shared_->options.limits);
    limits.cpu_millicores = shared_->options.limits.cpu_millicores;
    shared_->host.set_limits(start_.name, limits);
  }

  const std::shared_ptr<Shared> shared_;  // holds this in `living` until the end or the factory's
  const InstanceStart start_;
  InstanceEvents* events_;  // null once the heart has let go
  InstanceSession session_;
  std::unique_ptr<InstanceChannel> channel_;
  std::optional<CodeFolder> code_folder_;  // held until nothing is left: the sandbox has it mounted
  InstanceCall call_;                      // until it is sent
  std::vector<LogCapture> captures_;       // what calls wrote by frames, a slot each
  base::TimerId timer_ = 0;
  base::TimePoint armed_for_;
  base::TimePoint deadline_;
  bool in_call_ = false;  // the heart is calling; reports are posted
  bool gone_ = false;     // it has exited: an answer read now was its last
};

// What the heart holds of an instance.
class SandboxedInstanceFactory::Handle final : public Instance {
 public:
  explicit Handle(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~Handle() override { core_->abandon(); }  // NOLINT(bugprone-exception-escape): bad_alloc ends the process

  void invoke(InstanceCall call) override { core_->invoke(std::move(call)); }
  bool takes_behind() const override { return core_->takes_behind(); }
  void take_back() override { core_->take_back(); }
  void stop() override { core_->stop(); }

 private:
  std::shared_ptr<Core> core_;
};

SandboxedInstanceFactory::SandboxedInstanceFactory(base::Reactor& reactor, base::EventLoop& loop,
                                                   sandbox::Host& host, CodeFolders code_folders,
                                                   SandboxedInstanceOptions options)
    : shared_(std::make_shared<Shared>(Shared{reactor,
                                              loop,
                                              host,
                                              std::move(code_folders),
                                              std::move(options),
                                              std::make_shared<ReadBuffers>(),
                                              {}})) {
  host.on_exit([weak = std::weak_ptr(shared_)](const sandbox::Exit& exit) {
    const auto shared = weak.lock();
    if (shared == nullptr) {
      return;
    }
    if (const auto found = shared->living.find(exit.name); found != shared->living.end()) {
      found->second->exited(exit);
    }
  });
}

SandboxedInstanceFactory::~SandboxedInstanceFactory() {
  const auto living = std::exchange(shared_->living, {});  // they refer back to shared_
}

std::unique_ptr<Instance> SandboxedInstanceFactory::start(InstanceStart start, InstanceEvents& events) {
  const std::string name = start.name;
  auto core = std::make_shared<Core>(shared_, std::move(start), events);
  shared_->living.emplace(name, core);
  core->begin();
  return std::make_unique<Handle>(std::move(core));
}

}  // namespace hearth::worker
