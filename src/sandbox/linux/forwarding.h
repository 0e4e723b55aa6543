// IPv4 forwarding on the host's interfaces towards the internet, without which no answer reaches a
// sandbox: net.ipv4.conf.<interface>.forwarding. What was off is switched on while any server needs it,
// and off again after the last one, also when a killed server's successor is that last one: a file that
// every server holds a shared lock on keeps the names. Used by NatNetwork, once. One thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::sandbox {

class Forwarding {
 public:
  // Of the interfaces by name. The file is <run_folder>/nat-forwarding. kIo.
  static base::Result<Forwarding> enable(const std::string& run_folder,
                                         const std::vector<std::string>& interfaces);

  Forwarding() = default;
  Forwarding(Forwarding&& other) noexcept = default;
  Forwarding& operator=(Forwarding&& other) noexcept = default;
  // Switches off what servers switched on, when this was the last; unless all of the host forwards by
  // now (net.ipv4.ip_forward), which is somebody else's wish.
  ~Forwarding();

  // Interfaces that forward because of Hearth.
  const std::vector<std::string>& switched_on() const { return switched_on_; }

 private:
  base::UniqueFd file_;
  std::string path_;
  std::vector<std::string> switched_on_;
};

}  // namespace hearth::sandbox
