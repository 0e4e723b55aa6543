// Ends a start that hangs. The thread that clones a sandbox's process is suspended until that has exec'ed
// or is gone, as with vfork(2), so that another one has to hold the deadline. It does nothing else.
// Owned by LinuxBackend, whose thread calls all of this.
#pragma once

#include <memory>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

class StartWatch {
 public:
  // kIo.
  static base::Result<std::unique_ptr<StartWatch>> create(int timeout_ms);

  StartWatch(const StartWatch&) = delete;
  StartWatch& operator=(const StartWatch&) = delete;
  ~StartWatch();

  // `process` is where the kernel will put the process's pidfd; it stays valid until end().
  void begin(const int* process);
  // True when the time was over: the process has been killed.
  bool end();

 private:
  StartWatch(int timeout_ms, base::UniqueFd timer);
  void run();
  void set_timer(int delay_ms) const;

  const int timeout_ms_;
  const base::UniqueFd timer_;
  std::mutex mutex_;  // guards what follows
  const int* process_ = nullptr;
  bool killed_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace hearth::sandbox
