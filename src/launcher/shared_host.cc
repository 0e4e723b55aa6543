#include "launcher/shared_host.h"

#include <string>
#include <unordered_map>
#include <utility>

#include "base/bring_back.h"

namespace hearth::launcher {
namespace {

// Used on its view's loop only.
struct Listener {
  sandbox::Host::ExitHandler on_exit;
};

struct Owner {
  base::EventLoop* loop = nullptr;
  std::shared_ptr<Listener> listener;
};

}  // namespace

// Used on the host's loop only.
struct SharedHost::Shared {
  base::EventLoop& home;
  sandbox::Host& host;
  std::unordered_map<std::string, Owner> owners;  // of the living, by name

  void start(sandbox::Spec spec, sandbox::Descriptors descriptors, sandbox::Host::StartDone done,
             const Owner& owner, const std::shared_ptr<Shared>& self) {
    const std::string name = spec.name;
    const bool added = owners.try_emplace(name, owner).second;  // a name that lives stays its owner's
    host.start(std::move(spec), std::move(descriptors),
               [self, name, added, done = std::move(done)](base::Result<sandbox::Control> result) {
                 if (!result && added) {
                   self->owners.erase(name);
                 }
                 done(std::move(result));
               });
  }

  void ended(const sandbox::Exit& exit) {
    const auto found = owners.find(exit.name);
    if (found == owners.end()) {
      return;
    }
    const Owner owner = std::move(found->second);
    owners.erase(found);
    owner.loop->post([listener = owner.listener, exit] {
      if (listener->on_exit) {
        listener->on_exit(exit);
      }
    });
  }
};

class SharedHost::View final : public sandbox::Host {
 public:
  View(std::shared_ptr<Shared> shared, base::EventLoop& loop)
      : shared_(std::move(shared)), owner_{&loop, std::make_shared<Listener>()} {}

  void start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done) override {
    auto told = base::bring_back(*owner_.loop, std::move(done));
    shared_->home.post([shared = shared_, owner = owner_, spec = std::move(spec),
                        held = std::make_shared<sandbox::Descriptors>(std::move(descriptors)),
                        told] { shared->start(spec, std::move(*held), told, owner, shared); });
  }
  void assign(const std::string& name, const sandbox::Limits& limits, base::UniqueFd code_folder,
              AssignDone done) override {
    auto told = base::bring_back(*owner_.loop, std::move(done));
    shared_->home.post([shared = shared_, name, limits,
                        held = std::make_shared<base::UniqueFd>(std::move(code_folder)),
                        told] { shared->host.assign(name, limits, std::move(*held), told); });
  }
  void set_limits(const std::string& name, const sandbox::Limits& limits) override {
    shared_->home.post([shared = shared_, name, limits] { shared->host.set_limits(name, limits); });
  }
  void remove(const std::string& name) override {
    shared_->home.post([shared = shared_, name] { shared->host.remove(name); });
  }
  void on_exit(ExitHandler handler) override { owner_.listener->on_exit = std::move(handler); }

 private:
  const std::shared_ptr<Shared> shared_;
  const Owner owner_;
};

SharedHost::SharedHost(base::EventLoop& home, sandbox::Host& host)
    : shared_(std::make_shared<Shared>(Shared{home, host, {}})) {
  host.on_exit([shared = std::weak_ptr(shared_)](const sandbox::Exit& exit) {
    if (const auto living = shared.lock()) {
      living->ended(exit);
    }
  });
}

SharedHost::~SharedHost() = default;

std::unique_ptr<sandbox::Host> SharedHost::view(base::EventLoop& loop) {
  return std::make_unique<View>(shared_, loop);
}

}  // namespace hearth::launcher
