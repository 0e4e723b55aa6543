#include "store/postgres/testing/postgres_server.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "base/testing/free_port.h"
#include "store/postgres/connection.h"

namespace hearth::store::postgres {
namespace {

constexpr std::chrono::seconds kStartBound{20};

// Debian keeps each release's programs apart.
std::string bin_folder() {
  std::string found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (std::filesystem::exists(entry.path() / "bin/initdb")) {
      found = std::max(found, (entry.path() / "bin").string());
    }
  }
  return found;
}

// PostgreSQL refuses to run as root.
std::vector<std::string> as_unprivileged(std::vector<std::string> command) {
  if (::geteuid() == 0) {
    const std::vector<std::string> user = {"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                                           "--pdeathsig=KILL"};
    command.insert(command.begin(), user.begin(), user.end());
  }
  return command;
}

pid_t spawn(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  return pid;
}

// A zombie does not: all that it had is given back.
bool runs(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.size() > name_end + 2 && text[name_end + 2] != 'Z';
}

std::string end_of(const std::string& path) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return text.substr(text.size() - std::min<std::size_t>(text.size(), 1'000));
}

}  // namespace

std::string PostgresServer::hindrance() {
  return bin_folder().empty() ? "PostgreSQL is not installed (Debian's package postgresql)" : "";
}

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer(std::string network)
    : network_(std::move(network)),
      folder_((std::filesystem::is_directory("/dev/shm") ? "/dev/shm/" : "/tmp/") +
              std::string("hearth-postgres-XXXXXX")) {
  if (::mkdtemp(folder_.data()) == nullptr) {
    throw std::runtime_error("cannot make a folder like " + folder_);
  }
  if (const passwd* nobody = ::getpwnam("nobody"); ::geteuid() == 0 && nobody != nullptr) {
    if (::chown(folder_.c_str(), nobody->pw_uid, nobody->pw_gid) != 0) {
      throw std::runtime_error("chown " + folder_);
    }
  }
  run_tool("initdb", {"-D", folder_ + "/data", "-U", "hearth", "-A", "trust", "-E", "UTF8",
                      "--locale=C.UTF-8", "--no-sync", "--no-instructions"});
  if (!network_.empty()) {
    std::ofstream(folder_ + "/data/pg_hba.conf", std::ios::app) << "host all all " << network_ << " trust\n";
  }
  port_ = base::free_port();
  start();
}

PostgresServer::~PostgresServer() {
  if (pid_ > 0) {
    kill();
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::run_tool(const std::string& tool, const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {bin_folder() + "/" + tool};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const pid_t pid = spawn(as_unprivileged(command), folder_ + "/" + tool + ".log");
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    throw std::runtime_error(tool + " failed:\n" + end_of(folder_ + "/" + tool + ".log"));
  }
}

void PostgresServer::start() {
  pid_ = spawn(
      as_unprivileged({bin_folder() + "/postgres", "-D", folder_ + "/data", "-p", std::to_string(port_), "-k",
                       folder_, "-c", network_.empty() ? "listen_addresses=127.0.0.1" : "listen_addresses=*",
                       "-c", "fsync=off", "-c", "max_connections=100"}),
      folder_ + "/server.log");
  const auto deadline = std::chrono::steady_clock::now() + kStartBound;
  while (!Connection::connect(admin_url(), {})) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_ || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("PostgreSQL does not start:\n" + end_of(folder_ + "/server.log"));
    }
    ::poll(nullptr, 0, 10);  // nothing tells when it is ready
  }
}

std::string PostgresServer::admin_url() const {
  return "postgres://hearth@127.0.0.1:" + std::to_string(port_) + "/postgres";
}

std::string PostgresServer::make_database() {
  const std::string name = "test" + std::to_string(++databases_);
  auto connection = Connection::connect(admin_url(), {});
  if (!connection || !(*connection)->run_text("CREATE DATABASE " + name)) {
    throw std::runtime_error("cannot make a database");
  }
  return "postgres://hearth@127.0.0.1:" + std::to_string(port_) + "/" + name;
}

std::string PostgresServer::through(std::string url, std::uint16_t other_port) const {
  const std::string own = ":" + std::to_string(port_) + "/";
  return url.replace(url.find(own), own.size(), ":" + std::to_string(other_port) + "/");
}

// Each of its children is in a session of its own.
std::vector<pid_t> PostgresServer::processes() const {
  std::vector<pid_t> all = {pid_};
  std::ifstream children("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
  for (pid_t child = 0; children >> child;) {
    all.push_back(child);
  }
  return all;
}

void PostgresServer::signal_all(int signal) const {
  for (const pid_t process : processes()) {
    ::kill(process, signal);
  }
}

void PostgresServer::kill() {
  ::kill(pid_, SIGSTOP);  // it starts no further one
  const std::vector<pid_t> all = processes();
  for (const pid_t process : all) {
    ::kill(process, SIGKILL);
  }
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  // Others reap its children; as long as one is there, its memory is, and none can be started on it.
  const auto deadline = std::chrono::steady_clock::now() + kStartBound;
  for (const pid_t process : all) {
    while (runs(process) && std::chrono::steady_clock::now() < deadline) {
      ::poll(nullptr, 0, 1);
    }
  }
}

void PostgresServer::take_no_newcomers() {
  ::kill(pid_, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStartBound;
  while (Connection::connect(admin_url(), {}) && std::chrono::steady_clock::now() < deadline) {
    ::poll(nullptr, 0, 1);  // nothing tells when it has seen the signal
  }
}

void PostgresServer::pause() { signal_all(SIGSTOP); }

void PostgresServer::go_on() { signal_all(SIGCONT); }

}  // namespace hearth::store::postgres
