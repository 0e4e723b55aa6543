// A PostgreSQL of the tests' own, in a temporary folder, over a Unix socket and a port of loopback. Tests
// only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace hearth::store::postgres {

// Made with `initdb`, run as an unprivileged user, ended with the object. Durable enough for kill -9, not for
// a power cut. A failure throws std::runtime_error.
class PostgresServer {
 public:
  // With a `network`, such as "10.0.0.0/8", it also takes connections from there.
  explicit PostgresServer(std::string network = {});
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  // Empty where PostgreSQL is installed, else why a test of it is skipped.
  static std::string hindrance();
  // The one of this process, started when it is first asked for.
  static PostgresServer& shared();

  // Of a new, empty database; over TCP, as between hosts.
  std::string make_database();
  int port() const { return port_; }
  const std::string& socket_folder() const { return folder_; }
  // The same database by another port of loopback.
  std::string through(std::string url, std::uint16_t other_port) const;

  void start();  // and waits until it answers
  void kill();   // -9, its children with it
  // Refuses new connections and serves those there are, until they end: the smart shutdown. kill() ends it.
  void take_no_newcomers();
  void pause();  // SIGSTOP of all its processes
  void go_on();  // SIGCONT

 private:
  void run_tool(const std::string& tool, const std::vector<std::string>& arguments) const;
  std::vector<pid_t> processes() const;
  void signal_all(int signal) const;
  std::string admin_url() const;

  const std::string network_;
  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
  int databases_ = 0;
};

}  // namespace hearth::store::postgres
