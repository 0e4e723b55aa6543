#include "sandbox/linux/firewall.h"

#include <algorithm>

#include "sandbox/linux/nft.h"

namespace hearth::sandbox {
namespace {

// Addresses that are not of the public internet (IANA's special-purpose registry, RFC 6890), without
// those for documentation, which lead nowhere; and one that is, but belongs to the host's platform:
// Azure's 168.63.129.16, beside 169.254.169.254 of nearly all others.
constexpr const char* kClosed =
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.0.0.0/24, "
    "192.88.99.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4, 168.63.129.16";

// A refusal that a program notices at once; a packet that is dropped would cost it a time-out.
constexpr const char* kRefuse = "reject with icmp type admin-prohibited";

std::string join(const std::vector<std::string>& parts, const std::string& quote) {
  std::string text;
  for (const auto& part : parts) {
    text += (text.empty() ? "" : ", ") + quote + part + quote;
  }
  return text;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// Each line ends on its own: a statement is read up to the end of its line.
//
// prerouting stands before the host's own translation of addresses, so that what is closed is what the
// sandbox asked for; and before connection tracking, which so learns nothing of it.
constexpr const char* kRules = R"(
table inet TABLE {
  set resolvers {
    type ipv4_addr
    RESOLVERS
  }
  set closed {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { CLOSED, RANGE }
  }
  set connections {
    type ipv4_addr
    size 65535
    flags dynamic
  }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname "OURS*" goto from_sandbox
  }
  chain from_sandbox {
    meta nfproto != ipv4 drop
    ip saddr != RANGE drop
    fib saddr . iif oif missing drop
    ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept
    ip daddr @closed REFUSE
    fib daddr type != unicast REFUSE
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "OURS*" ip daddr @resolvers meta l4proto { tcp, udp } th dport 53 accept
    iifname "OURS*" drop
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "OURS*" ct state established,related accept
    oifname "OURS*" icmp type { destination-unreachable, time-exceeded } accept
    oifname "OURS*" drop
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "OURS*" ct state new add @connections { ip saddr ct count over CONNECTIONS } REFUSE
    oifname "OURS*" ct state established,related accept
    oifname "OURS*" drop
    ROUTERS
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr RANGE oifname != "OURS*" masquerade
  }
}
)";

// The host does not become a router for its neighbours because it is one for sandboxes. What another
// program has the host forward (containers and their published ports) still passes.
std::string keep_others_out(const std::vector<std::string>& interfaces) {
  return interfaces.empty() ? ""
                            : "iifname { " + join(interfaces, "\"") + " } ct state new ct status ! dnat drop";
}

}  // namespace

std::string firewall_rules(const FirewallPlan& plan) {
  // First so that the deletion finds a table, then so that nothing of an earlier one is left.
  std::string text = "add table inet TABLE\ndelete table inet TABLE\n" + std::string(kRules);
  const auto resolvers =
      plan.resolvers.empty() ? std::string() : "elements = { " + join(plan.resolvers, "") + " }";
  replace_all(text, "RESOLVERS", resolvers);
  replace_all(text, "ROUTERS", keep_others_out(plan.routers_by_us));
  replace_all(text, "CONNECTIONS", std::to_string(kConnectionsPerSandbox));
  replace_all(text, "CLOSED", kClosed);
  replace_all(text, "REFUSE", kRefuse);
  replace_all(text, "RANGE", plan.range);
  replace_all(text, "OURS", plan.interface_prefix);
  replace_all(text, "TABLE", plan.table);
  return text;
}

base::Result<void> load_firewall(const FirewallPlan& plan) { return run_nft(firewall_rules(plan)); }

base::Result<void> remove_firewall(const std::string& table) {
  return run_nft("add table inet " + table + "\ndelete table inet " + table + "\n");
}

}  // namespace hearth::sandbox
