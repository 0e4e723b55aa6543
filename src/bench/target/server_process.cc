#include "bench/target/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/unique_fd.h"

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kStartBound{20};
constexpr std::chrono::seconds kStopBound{40};
constexpr milliseconds kPoll{10};
constexpr std::size_t kLastWords = 2000;  // bytes of a server's log in a message

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool accepts(std::uint16_t port) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// In a process group of its own, so that Ctrl-C reaches the tool alone, which then ends its servers.
[[noreturn]] void become(const std::vector<char*>& arguments, int in, int out, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) {
    ::_exit(127);
  }
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::error_code failed;
  const fs::path parent = fs::temp_directory_path(failed);
  std::string pattern = ((failed ? fs::path("/tmp") : parent) / "hearth-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) != nullptr) {
    path_ = pattern;
    fs::permissions(path_, fs::perms(0755), failed);
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) {
    fs::remove_all(path_, ignored);
  }
}

std::string TemporaryFolder::write(const std::string& relative, const std::string& bytes) const {
  const fs::path file = fs::path(path_) / relative;
  std::error_code failed;
  fs::create_directories(file.parent_path(), failed);
  std::ofstream(file, std::ios::binary) << bytes;
  return file.string();
}

std::uint16_t free_port() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

base::Result<void> ServerProcess::start(const std::vector<std::string>& command, std::uint16_t port) {
  if (folder_.path().empty()) {
    return base::io_error("cannot make a temporary folder (TMPDIR)", errno);
  }
  std::vector<char*> arguments;
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const base::UniqueFd in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const base::UniqueFd out(
      ::open((folder_.path() + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    become(arguments, in.get(), out.get(), parent);
  }
  if (pid_ < 0) {
    pid_ = 0;
    return base::io_error("cannot start a process", errno);
  }
  const auto deadline = steady_clock::now() + kStartBound;
  while (!accepts(port)) {
    if (has_ended() || steady_clock::now() > deadline) {
      const std::string words = last_words();
      stop();
      return base::Error{base::ErrorCode::kIo, command.front() + " did not start; its last words:\n" + words};
    }
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

bool ServerProcess::has_ended() {
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) {
    return false;
  }
  pid_ = 0;
  return true;
}

void ServerProcess::stop() {
  if (pid_ == 0) {
    return;
  }
  ::kill(pid_, SIGTERM);
  const auto deadline = steady_clock::now() + kStopBound;
  while (!has_ended()) {
    if (steady_clock::now() > deadline) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = 0;
      return;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

std::string ServerProcess::last_words() const {
  std::ostringstream text;
  text << std::ifstream(folder_.path() + "/log", std::ios::binary).rdbuf();
  const std::string all = text.str();
  return all.size() > kLastWords ? all.substr(all.size() - kLastWords) : all;
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  // Debian keeps servers in /usr/sbin, where a user's PATH often does not look.
  std::istringstream folders((path == nullptr ? "" : std::string(path)) + ":/usr/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return "";
}

}  // namespace hearth::bench
