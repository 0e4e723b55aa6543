// A server that a run starts for itself: on a free port, with a temporary folder, ended by its pid. One
// thread; start and stop block.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::bench {

// A folder for a run's files, readable by all (a server gives up its privileges), removed with its content.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::string& path() const { return path_; }  // empty when it could not be made
  // Writes a file, and the folders above it; its path.
  std::string write(const std::string& relative, const std::string& bytes) const;

 private:
  std::string path_;
};

// A port of loopback that nothing listens on now.
std::uint16_t free_port();

class ServerProcess {
 public:
  ServerProcess() = default;
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() { stop(); }

  // Runs `command` (looked up in PATH) and waits until its port accepts. kIo with its last words when it
  // ends or does not accept in time.
  base::Result<void> start(const std::vector<std::string>& command, std::uint16_t port);
  // SIGTERM, then SIGKILL. Safe at any time.
  void stop();

  pid_t pid() const { return pid_; }  // 0: none
  const TemporaryFolder& folder() const { return folder_; }

 private:
  bool has_ended();
  std::string last_words() const;

  TemporaryFolder folder_;
  pid_t pid_ = 0;
};

// The program of that name in PATH; empty when there is none.
std::string find_program(const std::string& name);

}  // namespace hearth::bench
