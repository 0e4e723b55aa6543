// A small network of hosts, each a network namespace of its own on one bridge, and what may become of what
// they send. Made and removed by the test, as root; nothing of it touches the machine's own network.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/faults/slow_wire.h"

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
  // So many in a thousand of the packets that `from` sends to `to` do not arrive.
  void lose(const std::string& from, const std::string& to, int per_thousand) const;
  // They do not arrive, and `from` is told that the connection is no more; `to` is not.
  void reset(const std::string& from, const std::string& to, int per_thousand) const;
  // All that the host sends, and all that is sent to it, is so narrow; what waits for longer than 400 ms
  // there is lost.
  void narrow(const std::string& host, int kbit_per_second);
  // What `one` sends to `other`, and back, takes so long, and up to a fifth more. Of a host once at a time.
  void slow(const std::string& one, const std::string& other, std::chrono::milliseconds there,
            std::chrono::milliseconds back);
  // All that ends.
  void heal();

  // This thread is on that host while the object lives; what it starts stays there.
  class [[nodiscard]] Inside {
   public:
    Inside(const Network& network, const std::string& host);
    explicit Inside(const std::string& space);
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
    std::string port;  // its end of the wire, on the bridge's side
  };

  // Of what comes from that host; `fate`: what nft(8) calls it.
  void rule(const std::string& from, const std::string& to, const std::string& fate) const;

  std::string prefix_;
  std::string bridge_space_;
  std::map<std::string, Host> hosts_;
  std::set<std::string> narrow_;
  std::map<std::string, std::unique_ptr<SlowWire>> slow_;  // by host
};

}  // namespace hearth::faults
