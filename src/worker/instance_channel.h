// The descriptors between the worker and one instance: a pipe for frames in each direction, and the pipes
// that carry its stdout and stderr. A thin shell: it moves bytes and cuts them into frames,
// InstanceSession says what they mean.
//
// Pipes, not a socket: whoever reads from a Unix socket wakes the peer that waits to read from it (its
// writer may go on), so that every answer would wake a blocked shim for nothing.
//
// A warm call costs one writev, one read and one poll here. Whatever the instance does, a turn of
// the loop reads a bounded number of bytes, and memory holds at most one frame and one invocation's
// logs. Loop thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/limits.h"
#include "model/outcome.h"
#include "worker/protocol.h"

namespace hearth::base {
class Reactor;
}

namespace hearth::worker {

// Where reads land before they are looked at; shared by all channels of a loop.
struct ReadBuffers {
  std::array<char, 64 * base::kKiB> answers;
  std::array<char, 64 * base::kKiB> log;
};

class InstanceChannel {
 public:
  // Called from the loop, never from inside a call to the channel other than read_rest().
  class Events {
   public:
    virtual ~Events() = default;
    // `more_follows`: further bytes came with it.
    virtual void frame_received(protocol::Frame frame, bool more_follows) = 0;
    // The bytes are no frames; nothing more is read.
    virtual void channel_failed(base::Error error) = 0;
    // The other side closed its answers; nothing more is read.
    virtual void channel_ended(bool mid_frame) = 0;
  };

  // What the instance is started with.
  struct FarEnds {
    base::UniqueFd requests;
    base::UniqueFd out;
    base::UniqueFd err;
    base::UniqueFd answers;
  };

  // `events` outlives the channel; `buffers` outlives an operation that is under way.
  InstanceChannel(base::Reactor& reactor, std::shared_ptr<ReadBuffers> buffers,
                  const model::InvocationLimits& limits, Events& events);
  InstanceChannel(const InstanceChannel&) = delete;
  InstanceChannel& operator=(const InstanceChannel&) = delete;
  // Closes all descriptors; no event comes any more.
  ~InstanceChannel();

  // Makes the pipes. kIo, most likely for want of descriptors. Call once.
  base::Result<FarEnds> open();

  // Reading begins; call once, after open().
  void start_reading();

  // Sends one frame: `head`, then `body` (may be null) without copying it. The process ignores SIGPIPE. The
  // next is sent when the answer to the last has come, or while takes_more(); but an invoke may follow the
  // question for what was compiled, which is a packet of its own. A failure to send shows as channel_ended().
  void send(std::string_view head, std::shared_ptr<const std::string> body);

  // What was as large as this does not come again: the pipes need hold no more than new ones. All pipes of a
  // user may hold 64 MiB (pipe(7)), and those made beyond that are small.
  void shrink();

  // The instance is about to be asked for what it has compiled: so much of it is taken, once.
  void expect_compiled(std::uint64_t most_bytes);

  // True when a small frame may be sent although the answer to the last is still to come: the instance finds
  // it in the pipe, as a packet of its own, when it has answered.
  bool takes_more() const;

  // Reads back what is in the pipe and was not read by the instance: the ids of whole frames sent since
  // takes_more() was true. The kernel gives each packet to one reader, so a call is either here or there.
  std::vector<std::uint64_t> take_back();

  // The same for an instance that takes several frames at once: those of one turn of the loop go out in one
  // write at its end. Copies. Not together with send() while that is under way.
  void send_soon(std::string_view head, const std::string& body);

  // Delivers what the answers still hold: for an instance that has exited.
  void read_rest();

  // Everything that the pipes have brought up to now, and what they hold.
  model::CapturedLogs take_logs();

  // What they have brought up to now, without a look at them.
  model::CapturedLogs take_captured();

  // True when stderr of the invocation in hand contains `text`.
  bool err_contains(std::string_view text);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // operations under way hold it too
};

}  // namespace hearth::worker
