#include "tests/faults/network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <utility>

#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

void run(const std::string& script) {
  const test::ProgramResult result = test::run_program({"sh", "-ec", script});
  if (result.exit_code != 0) {
    throw std::runtime_error(script + ":\n" + result.output);
  }
}

base::UniqueFd open_space(const std::string& path) {
  base::UniqueFd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.valid()) {
    throw std::runtime_error("cannot open " + path);
  }
  return space;
}

void enter(const base::UniqueFd& space) {
  if (::setns(space.get(), CLONE_NEWNET) != 0) {
    throw std::runtime_error("cannot enter a network namespace");
  }
}

}  // namespace

std::string Network::hindrance() {
  if (::geteuid() != 0) {
    return "network namespaces are made by root";
  }
  for (const char* tool : {"/usr/sbin/ip", "/usr/sbin/nft", "/usr/sbin/tc", "/usr/bin/nsenter"}) {
    if (!std::filesystem::exists(tool)) {
      return std::string(tool) + " is not installed";
    }
  }
  return {};
}

Network::Network() : prefix_("hf" + std::to_string(::getpid())), bridge_space_(prefix_ + "-bridge") {
  run("ip netns add " + bridge_space_ + " && ip -n " + bridge_space_ + " link add br0 type bridge && ip -n " +
      bridge_space_ + " link set br0 up");
}

Network::~Network() {
  slow_.clear();
  for (const auto& [name, host] : hosts_) {
    test::run_program({"ip", "netns", "del", host.space});
  }
  test::run_program({"ip", "netns", "del", bridge_space_});
}

void Network::add(const std::string& host) {
  const std::string number = std::to_string(hosts_.size() + 1);
  const Host made{prefix_ + "-" + host, "10.77.0." + number, "p" + number};
  hosts_[host] = made;  // before: what is made in part is removed too
  const std::string in = "ip -n " + made.space + " ";
  const std::string in_bridge = "ip -n " + bridge_space_ + " ";
  run("ip netns add " + made.space);
  run(in + "link set lo up");
  run(in_bridge + "link add " + made.port + " type veth peer name eth0 netns " + made.space);
  run(in_bridge + "link set " + made.port + " master br0 up");
  run(in + "addr add " + made.address + "/24 dev eth0");
  run(in + "link set eth0 up");
  run("ip netns exec " + made.space + " nft add table inet faults");
  run("ip netns exec " + made.space +
      " nft 'add chain inet faults in { type filter hook input priority 0; }'");
}

void Network::rule(const std::string& from, const std::string& to, const std::string& fate) const {
  run("ip netns exec " + hosts_.at(to).space + " nft add rule inet faults in ip saddr " + address(from) +
      " " + fate);
}

void Network::cut(const std::string& from, const std::string& to) const { rule(from, to, "drop"); }

void Network::lose(const std::string& from, const std::string& to, int per_thousand) const {
  rule(from, to, "numgen random mod 1000 lt " + std::to_string(per_thousand) + " drop");
}

void Network::reset(const std::string& from, const std::string& to, int per_thousand) const {
  rule(from, to,
       "meta l4proto tcp numgen random mod 1000 lt " + std::to_string(per_thousand) +
           " reject with tcp reset");
}

void Network::narrow(const std::string& host, int kbit_per_second) {
  narrow_.insert(host);
  const std::string bucket =
      " root tbf rate " + std::to_string(kbit_per_second) + "kbit burst 16kb latency 400ms";
  run("tc -n " + hosts_.at(host).space + " qdisc add dev eth0" + bucket);
  run("tc -n " + bridge_space_ + " qdisc add dev " + hosts_.at(host).port + bucket);
}

// The host's port leaves the bridge, and the slow wire is between them: there before, so that nothing is
// lost; what goes both ways for a moment comes twice.
void Network::slow(const std::string& one, const std::string& other, std::chrono::milliseconds there,
                   std::chrono::milliseconds back) {
  const std::string& port = hosts_.at(one).port;
  const std::string ip = "ip -n " + bridge_space_ + " link ";
  SlowWire::Delay delay{0, there, back};
  ::inet_pton(AF_INET, address(other).c_str(), &delay.peer);
  run(ip + "add s" + port + " type veth peer name b" + port + "; " + ip + "set s" + port + " up; " + ip +
      "set b" + port + " master br0 up");
  {
    const Inside bridge(bridge_space_);
    slow_[one] = std::make_unique<SlowWire>(port, "s" + port, delay);
  }
  run(ip + "set " + port + " nomaster");
}

void Network::heal() {
  for (const auto& [name, host] : hosts_) {
    run("ip netns exec " + host.space + " nft flush chain inet faults in");
  }
  for (const std::string& host : std::exchange(narrow_, {})) {
    run("tc -n " + hosts_.at(host).space + " qdisc del dev eth0 root");
    run("tc -n " + bridge_space_ + " qdisc del dev " + hosts_.at(host).port + " root");
  }
  for (auto& [name, wire] : std::exchange(slow_, {})) {
    const std::string& port = hosts_.at(name).port;
    run("ip -n " + bridge_space_ + " link set " + port + " master br0");
    wire.reset();
    run("ip -n " + bridge_space_ + " link del s" + port);
  }
}

std::vector<std::string> Network::on(const std::string& host) const {
  return {"nsenter", "--net=/run/netns/" + hosts_.at(host).space};
}

Network::Inside::Inside(const Network& network, const std::string& host)
    : Inside(network.hosts_.at(host).space) {}

Network::Inside::Inside(const std::string& space) : before_(open_space("/proc/thread-self/ns/net")) {
  enter(open_space("/run/netns/" + space));
}

Network::Inside::~Inside() { ::setns(before_.get(), CLONE_NEWNET); }

}  // namespace hearth::faults
