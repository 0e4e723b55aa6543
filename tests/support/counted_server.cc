// `hearth serve` whose server runs under callgrind, and whose launcher does not: valgrind knows neither the
// mount calls nor the clone of a sandbox. Takes the flags of `hearth serve`.
//
// The launcher is forked first, as serve does it; then this process becomes valgrind, which runs this program
// again with the two sockets. Counting is off until callgrind_control turns it on. It stays root, so that the
// profile can be written.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/hearth/host_runtimes.h"
#include "apps/hearth/platform.h"
#include "apps/hearth/serve_options.h"
#include "http/listener.h"
#include "launcher/spawn.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/private_mounts.h"

namespace hearth::test {
namespace {

constexpr const char* kListening = "HEARTH_COUNTED_LISTENING";
constexpr const char* kLauncher = "HEARTH_COUNTED_LAUNCHER";
constexpr std::uint32_t kMemoryMb = 1'024;

int fail(const base::Error& error) {
  std::fprintf(stderr, "counted_server: %s\n", error.message.c_str());
  return 1;
}

// The descriptor goes through exec, and its number to the program that is run then.
void hand_on(const char* name, base::UniqueFd fd) {
  ::fcntl(fd.get(), F_SETFD, 0);
  ::setenv(name, std::to_string(fd.release()).c_str(), 1);
}

base::UniqueFd handed_on(const char* name) {
  base::UniqueFd fd(std::atoi(std::getenv(name)));
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

base::Result<launcher::Launched> start_launcher(const ServeOptions& options) {
  const auto runtimes = find_runtimes(options.node, options.python);
  if (!runtimes) {
    return runtimes.error();
  }
  if (auto mounts = sandbox::enter_private_mounts(); !mounts) {
    return mounts.error();
  }
  sandbox::LinuxOptions sandbox;
  sandbox.tag = "counted" + std::to_string(::getpid());
  sandbox.programs = runtimes->programs;
  sandbox.extensions = runtimes->extensions;
  sandbox.paths = runtimes->paths;
  launcher::SpawnOptions spawning;
  spawning.server.policy.programs = runtimes->programs;
  return launcher::spawn(
      [&sandbox]() -> base::Result<std::unique_ptr<sandbox::Backend>> {
        auto backend = sandbox::LinuxBackend::create(sandbox);
        if (!backend) {
          return backend.error();
        }
        return std::unique_ptr<sandbox::Backend>(std::move(*backend));
      },
      spawning);
}

int become_valgrind(const ServeOptions& options, char** arguments) {
  auto listening = http::open_listener(options.listen);
  if (!listening) {
    return fail(listening.error());
  }
  auto launched = start_launcher(options);
  if (!launched) {
    return fail(launched.error());
  }
  hand_on(kListening, std::move(*listening));
  hand_on(kLauncher, std::move(launched->socket));
  std::vector<std::string> words{"valgrind", "--tool=callgrind", "--instr-atstart=no",
                                 "--callgrind-out-file=" + options.data_dir + ".callgrind"};
  std::vector<char*> command;
  for (auto& word : words) {
    command.push_back(word.data());
  }
  for (; *arguments != nullptr; ++arguments) {
    command.push_back(*arguments);
  }
  command.push_back(nullptr);
  ::execvp(command[0], command.data());
  std::perror("counted_server: valgrind");
  return 1;
}

int run(const ServeOptions& options) {
  auto directory = store::sqlite::DataDirectory::open(options.data_dir);
  const auto runtimes = find_runtimes(options.node, options.python);
  if (!directory || !runtimes) {
    return fail(directory ? runtimes.error() : directory.error());
  }
  Platform::block_signals();
  Platform platform(options,
                    {.listening = handed_on(kListening),
                     .launcher_socket = handed_on(kLauncher),
                     .programs = runtimes->inside,
                     .memory_mb = kMemoryMb},
                    **directory);
  if (auto opened = platform.open(); !opened) {
    return fail(opened.error());
  }
  return platform.run();
}

}  // namespace
}  // namespace hearth::test

int main(int argc, char** argv) {
  CLI::App app;
  hearth::ServeOptions options;
  hearth::add_serve_flags(app, options);
  CLI11_PARSE(app, argc, argv);
  if (std::getenv(hearth::test::kLauncher) == nullptr) {
    return hearth::test::become_valgrind(options, argv);
  }
  const int status = hearth::test::run(options);
  ::wait(nullptr);  // for the launcher, which ends with its socket
  return status;
}
