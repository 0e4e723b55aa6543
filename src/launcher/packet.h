// One packet on a SOCK_SEQPACKET socket: bytes, and beside them descriptors (SCM_RIGHTS). The system
// calls under client and server, and nothing else. Any thread, one at a time per socket.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "launcher/message.h"

namespace hearth::launcher {

// Sends all or nothing; `descriptors` stay the caller's. Returns 0 or errno (EAGAIN: try later;
// EPIPE, without a signal: the peer is gone). `flags` is 0 or MSG_DONTWAIT.
int send_packet(int socket, std::string_view bytes, std::span<const int> descriptors, int flags);

// Receives packet after packet into one buffer. The descriptors of a packet are closed by the next
// receive() unless they are moved out.
class PacketReceiver {
 public:
  enum class Outcome { kPacket, kNothing, kEnd };

  PacketReceiver();

  // kNothing: MSG_DONTWAIT and none is there. kEnd: the peer has closed. kTooLarge: a packet over
  // kMaxMessageBytes or with more than kMaxDescriptors descriptors; kIo.
  base::Result<Outcome> receive(int socket, int flags);

  std::string_view bytes() const { return bytes_; }
  std::span<base::UniqueFd> descriptors() { return std::span(descriptors_).first(descriptor_count_); }
  // This process has no descriptor number left for some that were sent.
  bool descriptors_lost() const { return descriptors_lost_; }

 private:
  void take_descriptors(msghdr& header);

  std::string buffer_;
  std::string_view bytes_;
  std::array<base::UniqueFd, kMaxDescriptors + 1> descriptors_;  // one more: the packet that sends too many
  std::size_t descriptor_count_ = 0;
  bool descriptors_lost_ = false;
};

}  // namespace hearth::launcher
