// A sandbox::Host for tests: a plain child process with the descriptors of a sandbox and no walls.
// It starts in the code's folder. Loop thread only.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/reactor.h"
#include "sandbox/sandbox.h"

namespace hearth::worker {

class PlainProcessHost final : public sandbox::Host {
 public:
  explicit PlainProcessHost(base::Reactor& reactor);
  PlainProcessHost(const PlainProcessHost&) = delete;
  PlainProcessHost& operator=(const PlainProcessHost&) = delete;
  ~PlainProcessHost() override;

  void start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done) override;
  // Notes it; a program that has no walls around it finds its code by its path.
  void assign(const std::string& name, const sandbox::Limits& limits, base::UniqueFd code_folder,
              AssignDone done) override;
  void set_limits(const std::string& name, const sandbox::Limits& limits) override;
  void remove(const std::string& name) override;
  void on_exit(ExitHandler handler) override { handler_ = std::move(handler); }

  // What a test may set: another program than the spec's; the answer to start(); a kill that takes long.
  std::vector<std::string> command;
  base::Result<void> start_result;
  bool answers_start = true;
  base::Result<void> assign_result;
  std::uint64_t used_bytes = 0;  // says each that is started from now on
  bool kills = true;

  // What a test may look at.
  std::vector<sandbox::Spec> specs;
  std::vector<std::pair<std::string, sandbox::Limits>> limits;
  std::vector<std::pair<std::string, sandbox::Limits>> assigned;
  // What the sandboxes were told to do, all together: "1" to stand still, "0" to go on.
  std::string frozen() const;
  std::size_t living() const { return processes_.size(); }
  pid_t pid_of(const std::string& name) const;

  // Waits for the end and tells it at once, before the loop has looked at any descriptor.
  void reap(const std::string& name);

 private:
  struct Process;

  sandbox::Control control() const;
  void watch(const std::string& name);

  base::Reactor& reactor_;
  ExitHandler handler_;
  std::map<std::string, std::unique_ptr<Process>> processes_;
  base::UniqueFd freezer_;
};

}  // namespace hearth::worker
