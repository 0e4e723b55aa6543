// The sandbox port: one container for one process tree that we do not trust.
//
// Two faces. Backend is what an adapter implements: synchronous, driven by one thread (the
// launcher's, a small root process). Host is what the worker is handed: the same, asynchronous, by
// message (launcher::Client). linux/ is the real adapter, fake/ runs plain child processes; both
// pass sandbox/conformance_test.cc.
//
// A sandbox is started with descriptors of the platform's and one folder of code, and ends by itself or by
// remove(). It may be started before it is known whose it will be: without code, which assign() gives it
// later. Whatever the tree inside does, after its end nothing of it is left.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/control.h"

namespace hearth::sandbox {

// The folder of code as the process inside sees it, read-only. It is the working folder too, which is
// how a program finds it under the fake adapter, where there is no kCodePath.
inline constexpr const char* kCodePath = "/code";
// Numbers inside: where the program reads what the platform sends, and where it writes its answers. 0 is
// /dev/null, 1 and 2 are `out` and `err`; nothing else is open.
inline constexpr int kRequestsFd = 3;
inline constexpr int kAnswersFd = 4;

struct Limits {
  std::uint64_t memory_bytes = 128ULL << 20U;  // with swap and everything the kernel charges
  std::uint32_t cpu_weight = 128;              // relative share under contention, 1 to 10,000; = memory in MB
  std::uint32_t cpu_millicores = 0;            // hard cap; 0: none (start and init are not capped)
  std::uint32_t processes = 256;               // processes and threads together
  std::uint32_t open_files = 1'024;
  std::uint64_t tmp_bytes = 64ULL << 20U;  // size of the private /tmp (its pages count as memory too)
  std::uint32_t tmp_files = 16'384;        // inodes of the private /tmp

  bool operator==(const Limits&) const = default;
};

struct Spec {
  std::string name;                      // unique among the living; [a-z0-9-]{1,63}
  std::string program;                   // absolute path inside, e.g. "/usr/bin/node"
  std::vector<std::string> arguments;    // argv[1..]
  std::vector<std::string> environment;  // "NAME=value", the whole environment
  Limits limits;

  bool operator==(const Spec&) const = default;
};

// All are consumed. code_folder is an open directory (O_PATH will do) on any file system.
struct Descriptors {
  base::UniqueFd code_folder;  // opened in this server's mount namespace; invalid: /code is an empty folder
  base::UniqueFd requests;     // becomes kRequestsFd inside
  base::UniqueFd out;          // becomes 1
  base::UniqueFd err;          // becomes 2
  base::UniqueFd answers;      // becomes kAnswersFd inside
};

enum class ExitReason { kExited, kSignaled, kOutOfMemory, kRemoved };
const char* to_string(ExitReason reason);

struct Exit {
  std::string name;
  ExitReason reason = ExitReason::kExited;
  int code = 0;                         // exit status, or the signal's number
  std::uint64_t peak_memory_bytes = 0;  // 0 when the kernel does not say

  bool operator==(const Exit&) const = default;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Returns when the program runs. kInvalidArgument (a bad spec), kAlreadyExists (the
  // name lives), kExhausted (no uid, no memory), kIo. After an error nothing is left.
  virtual base::Result<void> start(const Spec& spec, Descriptors descriptors) = 0;

  // Changes memory and CPU of a living sandbox. kNotFound; kBusy when more memory than the new
  // limit is in use.
  virtual base::Result<void> set_limits(const std::string& name, const Limits& limits) = 0;

  // Gives a living sandbox that was started without code its code, at kCodePath, with limits to go by from
  // now on: memory, CPU and the size of /tmp, the others stay. Once. Returns when both hold for what the
  // program does next. kNotFound; kInvalidArgument (no folder, limits, it has code already); kBusy as for
  // set_limits(); kUnsupported (the fake); kIo. After an error it is of no use to anybody: remove it.
  virtual base::Result<void> assign(const std::string& name, const Limits& limits,
                                    base::UniqueFd code_folder) = 0;

  // Of a living sandbox; both invalid for an unknown name.
  virtual Control control(const std::string& name) = 0;

  // Begins the end: every process of the tree is killed. Always safe: twice, or after the end, or
  // for an unknown name, it does nothing. The end itself is reported by collect().
  virtual void remove(const std::string& name) = 0;

  // Sandboxes that have ended and of which nothing is left (no process, cgroup, mount, interface).
  // Each is reported once. Never blocks; call it when ready_fd() is readable, which it also becomes
  // every `kCollectPeriodMs` while an end is under way.
  virtual std::vector<Exit> collect() = 0;

  // Becomes readable when collect() may have something new. Owned by the backend.
  virtual int ready_fd() const = 0;

  // Removes what a killed predecessor with the same identity left behind; call before the first
  // start(). Returns how many leftovers there were.
  virtual base::Result<std::uint32_t> sweep() = 0;

  // Does a piece of work that makes a later start() shorter; true while there is more of it. Takes about as
  // long as a start: call it when there is nothing else to do, and after sweep().
  virtual bool prepare() = 0;
};

inline constexpr int kCollectPeriodMs = 5;

// The worker's view. All calls and callbacks on the worker's loop thread; callbacks never run inside
// the call. Each start() and assign() gets exactly one `done`; each sandbox that started
// gets exactly one exit.
class Host {
 public:
  using StartDone = std::function<void(base::Result<Control>)>;
  using AssignDone = std::function<void(base::Result<void>)>;
  using ExitHandler = std::function<void(const Exit&)>;

  virtual ~Host() = default;
  virtual void start(Spec spec, Descriptors descriptors, StartDone done) = 0;
  // Backend::assign(). At most one is under way for a sandbox; the one of a sandbox that ends meanwhile
  // fails.
  virtual void assign(const std::string& name, const Limits& limits, base::UniqueFd code_folder,
                      AssignDone done) = 0;
  // Applied before anything sent later to the sandbox is read by it is not promised; a failure is
  // logged, and the old limits hold.
  virtual void set_limits(const std::string& name, const Limits& limits) = 0;
  virtual void remove(const std::string& name) = 0;
  // Of each sandbox that was started, once, after its `done`.
  virtual void on_exit(ExitHandler handler) = 0;
};

}  // namespace hearth::sandbox
