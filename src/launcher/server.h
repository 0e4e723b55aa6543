// The launcher's heart: takes requests from one unprivileged peer and drives the sandbox backend.
//
// Runs in the launcher process (spawn.h), the only part of Hearth that stays root. One thread, no
// event loop but poll(2), little code. The peer is not trusted: every request is checked against the
// policy, and a malformed packet ends the connection. The end of the connection, however it comes, is
// the only thing that ends the launcher: it removes every sandbox first.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launcher/message.h"
#include "launcher/packet.h"
#include "launcher/policy.h"
#include "sandbox/sandbox.h"

namespace hearth::launcher {

struct ServerOptions {
  Policy policy;
  // How long the sandboxes that are left at the end may take to be gone.
  std::chrono::milliseconds removal_bound{5'000};
};

class Server {
 public:
  Server(sandbox::Backend& backend, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until the peer closes; then removes every sandbox and returns. kCorrupt, kTooLarge: the peer
  // sent something malformed and was cut off. kTimeout: some sandboxes were still there at the bound.
  base::Result<void> run(base::UniqueFd socket);

 private:
  using Clock = std::chrono::steady_clock;
  struct Living {
    bool removing = false;
  };

  base::Result<void> serve();
  // False when the peer has closed.
  base::Result<bool> receive_one();
  base::Result<void> handle(StartRequest& request);
  base::Result<void> handle(AssignRequest& request);
  base::Result<void> handle(SetLimitsRequest& request);
  base::Result<void> handle(RemoveRequest& request);
  base::Result<void> start(const sandbox::Spec& spec, sandbox::Descriptors descriptors);
  base::Result<void> check_change(const std::string& name, const sandbox::Limits& limits) const;
  base::Result<sandbox::Descriptors> take_descriptors(std::uint8_t present);

  bool wait(int socket);
  void collect();
  bool end_is_under_way() const;
  void notify(const Notice& notice, std::span<const int> descriptors = {});
  void notify_started(std::string name);
  base::Result<void> remove_all();

  sandbox::Backend& backend_;
  const ServerOptions options_;
  base::UniqueFd socket_;
  PacketReceiver receiver_;
  std::map<std::string, Living> living_;
  std::size_t removing_ = 0;  // of living_
  bool preparing_ = true;     // the backend may have work to do ahead of a start
  Clock::time_point collected_at_;
  Clock::time_point settled_at_;  // until then a sandbox that ended by itself may still be cleaned up
};

}  // namespace hearth::launcher
