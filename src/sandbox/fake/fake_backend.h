// The adapter without isolation, for tests and for tools that cannot run in a real sandbox (callgrind):
// plain child processes with the same contract. The inside is the host: same files, same uid. The
// folder of code is the working folder, as in the real one, but there is no /code.
//
// Each sandbox is a small supervisor process and, below it, the program in a session of its own. The
// supervisor is the subreaper of its tree, so that no daemon escapes, and ends the tree when the
// program ends, when it is told to, or when the owner of the backend dies. Memory is the resident size
// of the tree, looked at every kMemoryPeriodMs. Limits on CPU, processes and /tmp are not held.
//
// One thread, which must outlive the sandboxes.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/sandbox.h"

namespace hearth::sandbox {

inline constexpr int kMemoryPeriodMs = 20;

class FakeBackend final : public Backend {
 public:
  // `tag` names the server, as for LinuxOptions: sweep() finds what a killed predecessor left.
  static base::Result<std::unique_ptr<FakeBackend>> create(const std::string& tag);

  FakeBackend(const FakeBackend&) = delete;
  FakeBackend& operator=(const FakeBackend&) = delete;
  ~FakeBackend() override;

  base::Result<void> start(const Spec& spec, Descriptors descriptors) override;
  base::Result<void> set_limits(const std::string& name, const Limits& limits) override;
  // kUnsupported: a process that runs cannot be given another working folder.
  base::Result<void> assign(const std::string& name, const Limits& limits,
                            base::UniqueFd code_folder) override;
  Control control(const std::string& /*name*/) override { return {}; }
  void remove(const std::string& name) override;
  std::vector<Exit> collect() override;
  int ready_fd() const override { return events_.get(); }
  base::Result<std::uint32_t> sweep() override;
  bool prepare() override { return false; }

 private:
  struct Sandbox {
    std::string name;
    int pid = -1;            // of the supervisor
    base::UniqueFd process;  // its pidfd
    base::UniqueFd status;   // what it says about the program's end
    std::uint64_t memory_limit = 0;
    std::uint64_t peak_memory = 0;
    bool removal_asked = false;
    bool out_of_memory = false;
  };
  using Sandboxes = std::map<std::string, std::unique_ptr<Sandbox>>;

  explicit FakeBackend(const std::string& tag);
  void set_pace();
  void enforce_memory();
  bool finish(Sandbox& sandbox, Exit& exit);

  std::string marker_;  // the supervisors' name in ps(1)
  Sandboxes sandboxes_;
  base::UniqueFd events_;  // epoll: pidfds and the timer
  base::UniqueFd timer_;   // runs while there are sandboxes
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace hearth::sandbox
