// The real binary for tests: `hearth serve` on a free port with a data directory of its own, and what
// a test asks of it over HTTP.
#pragma once

#include <sys/types.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.h"

namespace hearth::test {

// A folder below the system's temporary one, removed with all that is in it.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();

  const std::string& path() const { return path_; }
  // Writes a file, making the folders above it. Returns its path.
  std::string write(const std::string& relative, std::string_view bytes) const;

 private:
  std::string path_;
};

std::string read_file(const std::string& path);

// A zip with these files, as bytes.
std::string zip_of(const std::map<std::string, std::string>& files);

// The body of POST /functions for that zip.
std::string function_settings(std::string_view zip, const std::string& name, int memory_mb);

// The path of the binary under test (HEARTH_BINARY, set by ctest).
std::string hearth_binary();

// Runs a program to its end; stdout and stderr together.
struct ProgramResult {
  int exit_code = -1;
  std::string output;
};
ProgramResult run_program(const std::vector<std::string>& command, const std::string& input = {},
                          const std::vector<std::string>& environment = {});

struct Reply {
  int status = 0;
  std::string body;
  std::vector<http::Header> headers;

  // Null when the body is not JSON.
  boost::json::value json() const;
  // The field of {"error": {…}}, or empty.
  std::string error_code() const;
  std::string header(std::string_view name) const;
};

// GET of a https URL, whoever answers; status 0 when nobody does.
Reply get_with_tls(const std::string& url);

class HearthServer {
 public:
  struct Options {
    std::vector<std::string> flags;  // after the listen and data-dir ones
    std::string data_dir;            // empty: one of its own
    std::chrono::seconds start_bound{30};
    std::vector<std::string> environment{};  // "NAME=value", beside this process's
    std::vector<std::string> program = {};   // empty: hearth serve
    bool advertise = false;                  // a worker's: its own address
    bool tls = false;                        // what it listens with: a worker's, with --link-tls
    bool may_refuse = false;                 // to start: then refusal() says so
  };

  // Starts and waits until /health answers; a test failure when it does not.
  HearthServer();
  explicit HearthServer(Options options);
  HearthServer(const HearthServer&) = delete;
  HearthServer& operator=(const HearthServer&) = delete;
  ~HearthServer();

  std::uint16_t port() const { return port_; }
  std::string endpoint() const;
  pid_t pid() const { return pid_; }
  const std::string& data_dir() const { return data_dir_; }
  // The exit status of one that did not come up.
  std::optional<int> refusal() const { return refusal_; }
  // stderr so far.
  std::string log() const;

  // SIGTERM and its exit status; -1 when it took longer than `bound` (it is then killed).
  int stop(std::chrono::seconds bound = std::chrono::seconds(20));
  // The exit status of one that ends by itself; -1 when it does not within `bound`.
  int wait_for_end(std::chrono::seconds bound = std::chrono::seconds(20));
  void kill();

  // Also of a worker with TLS, which the rest is not for.
  Reply get(std::string_view target) const;
  Reply post(std::string_view target, std::string_view body,
             std::string_view type = "application/json") const;
  Reply patch(std::string_view target, std::string_view body) const;
  Reply put(std::string_view target, std::string_view body, std::string_view type) const;
  Reply del(std::string_view target) const;
  // A keep-alive connection for one thread's calls.
  std::unique_ptr<http::Client> connect(std::chrono::milliseconds timeout = std::chrono::seconds(60)) const;

  // Creates a function from files with settings such as {"memorySize": 128}; its id.
  std::string create(const std::map<std::string, std::string>& files,
                     boost::json::object settings = {}) const;
  // The same from one index.js.
  std::string create_js(std::string_view index_js, boost::json::object settings = {}) const;
  Reply create_zip(std::string_view zip, boost::json::object settings = {}) const;
  // A new version of a function: another index.js, and these settings over those it has.
  Reply update_js(std::string_view id, std::string_view index_js, boost::json::object settings = {}) const;
  Reply invoke(std::string_view id, std::string_view body = "null") const;

  // /health as JSON.
  boost::json::value health() const;
  // Instances in that state now, or in any of those: looked at once, as they move from one to the other.
  std::int64_t instances(std::string_view state) const { return instances({state}); }
  std::int64_t instances(std::initializer_list<std::string_view> states) const;
  // Waits until `instances(state)` is `count`; false when it is not within `bound`.
  bool wait_for_instances(std::string_view state, std::int64_t count,
                          std::chrono::milliseconds bound = std::chrono::seconds(10)) const;

 private:
  Reply request(http::Method method, std::string_view target, std::string_view body,
                std::string_view type) const;

  std::unique_ptr<ScratchFolder> own_folder_;
  std::string data_dir_;
  std::string log_path_;
  std::uint16_t port_ = 0;
  bool tls_ = false;
  pid_t pid_ = -1;
  std::optional<int> refusal_;
};

// The usual server with these flags, on a data directory of its own unless one is named.
HearthServer::Options with_flags(std::vector<std::string> flags, std::string data_dir = "");

// Polls until `condition` holds; false when it does not within `bound`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds bound = std::chrono::seconds(10));

// A port that nothing listens on now.
std::uint16_t free_port();

}  // namespace hearth::test
