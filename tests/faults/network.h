// A small network of hosts, each a network namespace of its own on one bridge, and what can be cut between
// them. Made and removed by the test, as root; nothing of it touches the machine's own network.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace hearth::faults {

class Network {
 public:
  // Empty where such a network can be made, else why a test is skipped.
  static std::string hindrance();

  Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network();

  // A host of that name, with loopback and an address.
  void add(const std::string& host);
  const std::string& address(const std::string& host) const { return hosts_.at(host).address; }

  // What `from` sends does not reach `to`; the other way it does.
  void cut(const std::string& from, const std::string& to) const;
  // Every cut ends.
  void heal() const;

  // This thread is on that host while the object lives; what it starts stays there.
  class [[nodiscard]] Inside {
   public:
    Inside(const Network& network, const std::string& host);
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

   private:
    base::UniqueFd before_;
  };

  // The words before a command that is to run on that host.
  std::vector<std::string> on(const std::string& host) const;

 private:
  struct Host {
    std::string space;  // of ip-netns(8)
    std::string address;
  };

  std::string prefix_;
  std::string bridge_space_;
  std::map<std::string, Host> hosts_;
};

}  // namespace hearth::faults
