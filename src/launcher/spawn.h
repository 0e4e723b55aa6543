// Forks the launcher: the first thing that main does, while the process is small, single-threaded and
// still root. main then drops its privileges and hands the socket to launcher::Client.
//
// The launcher ends when the last copy of the socket is closed, by close or by the server's death, and
// by nothing else that a terminal or a service manager sends short of SIGKILL: it leaves the server's
// session and ignores SIGINT, SIGTERM, SIGHUP and SIGQUIT. Who spawned it reaps `pid` after closing.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launcher/server.h"
#include "sandbox/sandbox.h"

namespace hearth::launcher {

struct SpawnOptions {
  ServerOptions server;
  // How long building the backend and sweeping up after a predecessor may take.
  std::chrono::milliseconds ready_bound{30'000};
};

struct Launched {
  base::UniqueFd socket;    // SOCK_SEQPACKET, close-on-exec
  pid_t pid = -1;           // a child of the caller
  std::uint32_t swept = 0;  // leftovers of a killed predecessor that were removed
};

// Runs in the launcher process.
using BackendFactory = std::function<base::Result<std::unique_ptr<sandbox::Backend>>()>;

// Returns when the launcher is ready for requests. The error is the factory's or sweep()'s own; kTimeout;
// kInternal when the launcher died meanwhile. After an error no process is left.
base::Result<Launched> spawn(const BackendFactory& make_backend, const SpawnOptions& options);

}  // namespace hearth::launcher
