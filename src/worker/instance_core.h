// One real instance: what performs the decisions of its InstanceSession, between the sandbox's host, the code
// cache, its InstanceChannel and the worker's heart. Made by SandboxedInstanceFactory. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "worker/instance.h"
#include "worker/instance_channel.h"
#include "worker/instance_session.h"
#include "worker/log_capture.h"
#include "worker/pause_queue.h"
#include "worker/sandboxed_instance.h"
#include "worker/version_code.h"

namespace hearth::worker {

class InstanceCore;

inline constexpr std::chrono::milliseconds kCollectAfter{10};

// What all instances of one factory use.
struct InstanceParts {
  InstanceParts(base::Reactor& its_reactor, base::EventLoop& its_loop, sandbox::Host& its_host,
                CodeSource& its_code, SandboxedInstanceOptions its_options)
      : reactor(its_reactor),
        loop(its_loop),
        host(its_host),
        code(its_code),
        options(std::move(its_options)) {}

  base::Reactor& reactor;
  base::EventLoop& loop;
  sandbox::Host& host;
  CodeSource& code;
  const SandboxedInstanceOptions options;
  std::shared_ptr<ReadBuffers> buffers = std::make_shared<ReadBuffers>();
  // Where nothing stands still it is still the moment to ask for what was compiled.
  PauseQueue pauses{loop, options.pause_after.count() > 0 ? options.pause_after : kCollectAfter};
  // Every instance by its sandbox's name until nothing is left of it, also when the heart has let go of it.
  std::unordered_map<std::string, std::shared_ptr<InstanceCore>> living;
  // Versions of which a living instance has been asked for what it has compiled.
  std::unordered_set<model::VersionId> asked;
  CompileCounts compile_counts;
};

// Lives until nothing is left of it and the heart has let go.
class InstanceCore : public std::enable_shared_from_this<InstanceCore>,
                     public InstanceChannel::Events,
                     private Pausable {
 public:
  InstanceCore(std::shared_ptr<InstanceParts> parts, InstanceStart start, InstanceEvents& events);
  // Before its version is known.
  InstanceCore(std::shared_ptr<InstanceParts> parts, Prestart prestart, InstanceEvents& events);
  InstanceCore(const InstanceCore&) = delete;
  InstanceCore& operator=(const InstanceCore&) = delete;
  ~InstanceCore() override { parts_->loop.cancel(timer_); }

  // Call once.
  void begin();

  // As Instance has them.
  void assign(InstanceStart start);
  void invoke(InstanceCall call);
  bool takes_behind() const;
  void take_back();
  void stop() { step_from_heart(event::Stop{}); }

  // The heart lets go: no event comes any more, the end goes on.
  void abandon();

  void exited(const sandbox::Exit& exit);

 private:
  void frame_received(protocol::Frame frame, bool more_follows) override {
    step(event::FrameReceived{std::move(frame), more_follows});
  }
  void channel_failed(base::Error error) override { step(event::ChannelFailed{std::move(error)}); }
  void channel_ended(bool mid_frame) override { step(event::ChannelEnded{mid_frame}); }

  void pause() override { step(event::Pause{freezes(), should_collect()}); }

  bool one_at_a_time() const { return start_.version != nullptr && start_.version->concurrency == 1; }
  void fetch_code();
  void code_fetched(base::Result<VersionCode> code);
  void start_sandbox();
  base::Result<sandbox::Spec> spec() const;
  void sandbox_started(base::Result<sandbox::Control> started);
  void mount_code();
  void prepare_captures();
  void send_init();
  bool freezes() const { return parts_->options.pause_after.count() > 0; }
  bool should_collect() const;
  void send_collect();
  std::shared_ptr<const std::string> take_fitting();
  void mind_compiled(SessionActions& actions);
  void mind_taken_back(const std::vector<std::uint64_t>& calls);
  void send_invoke(std::uint64_t invocation);
  void set_frozen(bool frozen);
  void cap_cpu();

  void step_from_heart(SessionEvent&& event);
  void reclaim();
  void step(SessionEvent&& event);
  void perform(SessionActions&& actions);
  void tell(SessionActions&& actions, model::CapturedLogs&& logs);
  void report(SessionActions&& actions, model::CapturedLogs&& logs);
  model::CapturedLogs logs_of(std::uint32_t slot);
  void set_timer(base::TimePoint when);

  const std::shared_ptr<InstanceParts> parts_;  // holds this in `living` until the end or the factory's
  InstanceStart start_;                         // of a pre-started one: its name, until it is assigned
  const std::string sandbox_name_;              // the name that it was started with
  const std::optional<Prestart> prestart_;
  InstanceEvents* events_;  // null once the heart has let go
  InstanceSession session_;
  std::unique_ptr<InstanceChannel> channel_;
  sandbox::Control control_;               // of the sandbox, once it runs
  std::optional<CodeFolder> code_folder_;  // held until nothing is left: the sandbox has it mounted
  CompiledPtr compiled_;                   // of an earlier instance, until it is sent
  bool given_compiled_ = false;
  bool collects_ = true;              // nobody knows what there is to compile
  bool asked_ = false;                // its version is in parts_->asked for it
  InstanceCall call_;                 // until it is sent
  std::vector<LogCapture> captures_;  // what calls wrote by frames, a slot each
  base::TimerId timer_ = 0;
  base::TimePoint armed_for_;
  base::TimePoint deadline_;
  bool in_call_ = false;  // the heart is calling; reports are posted
  bool gone_ = false;     // it has exited: an answer read now was its last
};

}  // namespace hearth::worker
