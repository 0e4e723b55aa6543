#include "launcher/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include "launcher/codec.h"
#include "launcher/packet.h"

namespace hearth::launcher {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

constexpr const char* kProcessName = "hearth-launcher";  // 15 bytes, the most that the kernel keeps

// A handler and not SIG_IGN: an ignored signal stays ignored in the programs that sandboxes run.
void ignore(int /*signal*/) {}

void ignore_signals() {
  struct sigaction action {};
  action.sa_handler = ignore;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    ::sigaction(signal, &action, nullptr);
  }
}

// Keeps stderr, for last words, and the socket. The server's other descriptors are not the launcher's
// to hold open. Returns the socket under its new number.
base::UniqueFd keep_only(base::UniqueFd socket) {
  constexpr int kSocketNumber = STDERR_FILENO + 1;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  if (socket.get() == kSocketNumber) {
    (void)socket.release();
  } else {
    ::dup3(socket.get(), kSocketNumber, O_CLOEXEC);
    (void)socket.release();  // closed below, with everything else
  }
  ::close_range(kSocketNumber + 1, ~0U, 0);
  return base::UniqueFd(kSocketNumber);
}

void become_launcher() {
  ::setsid();
  ignore_signals();
  ::prctl(PR_SET_NAME, kProcessName);
  // Holds no file system busy. Every sandbox costs descriptors, so the soft limit goes.
  [[maybe_unused]] const int changed = ::chdir("/");
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
}

struct Prepared {
  std::unique_ptr<sandbox::Backend> backend;
  std::uint32_t swept = 0;
};

Result<Prepared> prepare(const BackendFactory& make_backend) {
  auto backend = make_backend();
  if (!backend) {
    return backend.error();
  }
  const auto swept = (*backend)->sweep();
  if (!swept) {
    return swept.error();
  }
  return Prepared{std::move(backend).value(), *swept};
}

void say(const base::UniqueFd& socket, const Notice& notice) {
  if (const auto bytes = encode(notice)) {
    send_packet(socket.get(), *bytes, {}, 0);
  }
}

Result<void> serve(base::UniqueFd socket, const BackendFactory& make_backend, const SpawnOptions& options) {
  Result<Prepared> prepared = prepare(make_backend);
  if (!prepared) {
    say(socket, Unready{prepared.error()});
    return {};  // told to the server, which tells the user
  }
  say(socket, Ready{prepared->swept});
  return Server(*prepared->backend, options.server).run(std::move(socket));
}

[[noreturn]] void run_launcher(base::UniqueFd socket, const BackendFactory& make_backend,
                               const SpawnOptions& options) {
  become_launcher();
  socket = keep_only(std::move(socket));
  int status = EXIT_FAILURE;
  try {
    const Result<void> served = serve(std::move(socket), make_backend, options);
    status = served ? EXIT_SUCCESS : EXIT_FAILURE;
    if (!served) {
      std::fprintf(stderr, "%s: %s\n", kProcessName, served.error().message.c_str());
    }
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "%s: %s\n", kProcessName, bug.what());
  }
  ::_exit(status);
}

std::string describe(int status) {
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "status " + std::to_string(WEXITSTATUS(status));
}

// Ends a launcher that is not ready, or reaps one that has died already: its status is its own then.
int end(pid_t pid) {
  ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool wait_readable(int socket, std::chrono::milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd polled{.fd = socket, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&polled, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready >= 0 || errno != EINTR) {
      return ready > 0;
    }
  }
}

Result<Notice> first_words(int socket, std::chrono::milliseconds bound) {
  if (!wait_readable(socket, bound)) {
    return Error{ErrorCode::kTimeout,
                 "nothing was heard of it within " + std::to_string(bound.count()) + " ms"};
  }
  PacketReceiver receiver;
  const auto received = receiver.receive(socket, 0);
  if (!received) {
    return received.error();
  }
  if (*received != PacketReceiver::Outcome::kPacket) {
    return Error{ErrorCode::kInternal, "it ended"};
  }
  return decode_notice(receiver.bytes());
}

}  // namespace

Result<Launched> spawn(const BackendFactory& make_backend, const SpawnOptions& options) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return base::io_error("cannot make the launcher's socket", errno);
  }
  base::UniqueFd ours(ends[0]);
  base::UniqueFd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) {
    return base::io_error("cannot fork the launcher", errno);
  }
  if (pid == 0) {
    ours.reset();
    run_launcher(std::move(theirs), make_backend, options);
  }
  theirs.reset();
  const Result<Notice> words = first_words(ours.get(), options.ready_bound);
  if (const auto* ready = words ? std::get_if<Ready>(&*words) : nullptr) {
    return Launched{std::move(ours), pid, ready->swept};
  }
  const std::string status = describe(end(pid));
  if (const auto* unready = words ? std::get_if<Unready>(&*words) : nullptr) {
    return unready->error;
  }
  return Error{words ? ErrorCode::kInternal : words.error().code,
               "the launcher did not start: " + (words ? "it speaks out of turn" : words.error().message) +
                   " (" + status + ")"};
}

}  // namespace hearth::launcher
