// Network namespaces for tests of `--network nat`: this process's becomes one of its own that plays the host,
// with an address 203.0.113.2, and a second one plays the internet. Both answer HTTP: the internet on port
// 8000 of 203.0.113.1, 198.51.100.7, 10.9.9.9, 192.168.9.9 and 169.254.169.254, the host on port 9000, with
// the address of who asks.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace hearth::test {

class Internet {
 public:
  // Where there are no namespaces to be had made() is false.
  Internet();
  Internet(const Internet&) = delete;
  Internet& operator=(const Internet&) = delete;
  ~Internet();

  bool made() const { return !name_.empty(); }
  // Runs on until this ends.
  void start(const std::vector<std::string>& command);
  // The command, as it is to be run in the internet.
  std::vector<std::string> within(std::vector<std::string> command) const;

  // "reached, as ADDRESS", or the code of what went wrong: of a GET from the host to "ADDRESS:PORT".
  static std::string from_host(const std::string& place);
  // The same of the JavaScript function `probe` of {host, port}, and what that is called with.
  static const char* probe_js();
  static std::string probe_input(const std::string& place);

 private:
  std::string name_;
  std::vector<pid_t> started_;
};

}  // namespace hearth::test
