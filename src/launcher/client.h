// The worker's end of the launcher: a sandbox::Host whose calls travel as packets to the small root
// process that does them.
//
// All calls and callbacks on the loop's thread; callbacks never run inside a call. Sending never
// waits: what the socket does not take is queued. Descriptors are closed as soon as they are sent.
// When the launcher is lost (it died, or sent nonsense) every start that is under way fails, every
// living sandbox is reported as killed, and then on_lost is called, once: without a launcher there is
// no server. Destroying the client closes the socket, upon which the launcher removes every sandbox;
// no callback runs from then on.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/sandbox.h"

namespace hearth::base {
class Reactor;
}

namespace hearth::launcher {

// Requests that wait for the socket; one more start is refused with kExhausted, one more change of
// limits is dropped and logged. A removal is always taken: there is one for each sandbox at most.
inline constexpr std::size_t kMaxQueuedRequests = 1'024;

class Client final : public sandbox::Host {
 public:
  using LostHandler = std::function<void(const base::Error&)>;

  // `socket` is Launched::socket.
  Client(base::Reactor& reactor, base::UniqueFd socket, LostHandler on_lost);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() override;

  // Beside the backend's own errors: kTooLarge, kExhausted, kAlreadyExists (the name lives or is being
  // started), kIo (the launcher is lost).
  void start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done) override;
  // kNotFound, kAlreadyExists (one is under way) and kIo beside the backend's own.
  void assign(const std::string& name, const sandbox::Limits& limits, base::UniqueFd code_folder,
              AssignDone done) override;
  void set_limits(const std::string& name, const sandbox::Limits& limits) override;
  void remove(const std::string& name) override;
  void on_exit(ExitHandler handler) override;

 private:
  class Link;
  std::shared_ptr<Link> link_;  // what the loop still holds for this client may outlive it
};

}  // namespace hearth::launcher
