#include "worker/sandboxed_instance.h"

#include <utility>

#include "worker/instance_core.h"

namespace hearth::worker {

// What the heart holds of an instance.
class SandboxedInstanceFactory::Handle final : public Instance {
 public:
  explicit Handle(std::shared_ptr<InstanceCore> core) : core_(std::move(core)) {}
  ~Handle() override { core_->abandon(); }  // NOLINT(bugprone-exception-escape): bad_alloc ends the process

  void assign(InstanceStart start) override { core_->assign(std::move(start)); }
  void invoke(InstanceCall call) override { core_->invoke(std::move(call)); }
  bool takes_behind() const override { return core_->takes_behind(); }
  void take_back() override { core_->take_back(); }
  void stop() override { core_->stop(); }

 private:
  std::shared_ptr<InstanceCore> core_;
};

SandboxedInstanceFactory::SandboxedInstanceFactory(base::Reactor& reactor, base::EventLoop& loop,
                                                   sandbox::Host& host, CodeSource& code,
                                                   SandboxedInstanceOptions options)
    : parts_(std::make_shared<InstanceParts>(reactor, loop, host, code, std::move(options))) {
  host.on_exit([weak = std::weak_ptr(parts_)](const sandbox::Exit& exit) {
    const auto parts = weak.lock();
    if (parts == nullptr) {
      return;
    }
    if (const auto found = parts->living.find(exit.name); found != parts->living.end()) {
      found->second->exited(exit);
    }
  });
}

SandboxedInstanceFactory::~SandboxedInstanceFactory() {
  const auto living = std::exchange(parts_->living, {});  // they refer back to parts_
}

CompileCounts SandboxedInstanceFactory::compile_counts() const { return parts_->compile_counts; }

template <typename Start>
std::unique_ptr<Instance> SandboxedInstanceFactory::make(Start start, InstanceEvents& events) {
  const std::string name = start.name;
  auto core = std::make_shared<InstanceCore>(parts_, std::move(start), events);
  parts_->living.emplace(name, core);
  core->begin();
  return std::make_unique<Handle>(std::move(core));
}

std::unique_ptr<Instance> SandboxedInstanceFactory::start(InstanceStart start, InstanceEvents& events) {
  return make(std::move(start), events);
}

std::unique_ptr<Instance> SandboxedInstanceFactory::prestart(Prestart prestart, InstanceEvents& events) {
  return make(std::move(prestart), events);
}

}  // namespace hearth::worker
