// Stands between one server and PostgreSQL, or another server, and cuts that server alone off: by silence, as
// a broken network does, or by refusals, as a proxy does that was stopped. Tests only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace hearth::base {

// On a port of loopback, with a thread of its own. A failure throws std::runtime_error.
class TcpProxy {
 public:
  explicit TcpProxy(int target_port);
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;
  ~TcpProxy();

  std::uint16_t port() const { return port_; }

  // From when the call returns.
  void be_silent();  // connections stand, and nothing gets through
  void refuse();     // they are closed, and no other is accepted
  void forward();    // again, and what was held back

  // From when the call returns, what is passed on either way is kept.
  void record();
  std::string recorded();

 private:
  enum class Mode { kForward, kSilent, kRefuse, kEnd };
  struct Pair {
    UniqueFd near;
    UniqueFd far;
  };

  void listen();
  void become(Mode mode);
  void run();
  bool look();
  bool pass_on(int from, int to);
  void accept_one();

  const int target_port_;
  std::uint16_t port_ = 0;
  UniqueFd wake_;
  std::mutex mutex_;  // held by the thread but while it waits
  Mode mode_ = Mode::kForward;
  bool records_ = false;
  std::string recorded_;
  UniqueFd listener_;
  std::vector<Pair> pairs_;
  std::thread thread_;
};

}  // namespace hearth::base
