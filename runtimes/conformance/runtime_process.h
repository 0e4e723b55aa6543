// One runtime as a plain child process with the descriptors that runtimes/protocol.md says, driven
// frame by frame. For the conformance suite and for measuring; every wait has a bound. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "worker/protocol.h"

namespace hearth::conformance {

class RuntimeProcess {
 public:
  // `command`: program and arguments; `environment`: all of it. The process starts in "/".
  RuntimeProcess(const std::vector<std::string>& command, const std::vector<std::string>& environment);
  RuntimeProcess(const RuntimeProcess&) = delete;
  RuntimeProcess& operator=(const RuntimeProcess&) = delete;
  // Kills what is left and reaps it.
  ~RuntimeProcess();

  void send(std::string_view bytes);
  void send_init(const worker::protocol::Init& init, const std::string& compiled = "");
  // Asks for what it has compiled; a frame of at most so many bytes may come.
  void send_collect(std::uint64_t most_bytes);
  void send_invoke(std::uint64_t invocation, std::string_view body, std::uint32_t remaining_ms = 30'000,
                   std::string_view request_id = "request");

  // The next frame; nothing when the pipe ended, when its bytes make no sense, or after `wait`.
  // Meanwhile stdout and stderr are gathered.
  std::optional<worker::protocol::Frame> receive(std::chrono::milliseconds wait = std::chrono::seconds(20));

  // From now on receive() returns log frames too; otherwise their text counts to stdout and stderr.
  void tell_logs() { tells_logs_ = true; }

  // What stdout and stderr have brought since the last call, everything that is in them now included.
  std::string take_out();
  std::string take_err();

  // Waits for the end. The exit code; minus the number of the signal; nothing after `wait`.
  std::optional<int> wait_exit(std::chrono::milliseconds wait = std::chrono::seconds(20));

  pid_t pid() const { return pid_; }
  int answers() const { return answers_.get(); }
  void close_requests() { requests_.reset(); }

 private:
  void gather(int fd, std::string& into);
  // Waits for any descriptor; false after `until`.
  bool wait_for_bytes(std::chrono::steady_clock::time_point until);

  pid_t pid_ = -1;
  base::UniqueFd requests_;
  base::UniqueFd answers_;
  base::UniqueFd out_;
  base::UniqueFd err_;
  worker::protocol::FrameReader reader_;
  std::string unread_;
  bool tells_logs_ = false;
  std::string out_text_;
  std::string err_text_;
};

}  // namespace hearth::conformance
