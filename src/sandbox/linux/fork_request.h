// What the launcher asks of a zygote (zygote.h), and what comes back: packets of a SOCK_SEQPACKET pair. Both
// ends are ours and of one build, so the bytes are the structures themselves.
//
//   kReady     the zygote can be asked, once
//   kForked    `value` is the pid of what it forked, or -errno
//   kFinished  of the forked process: its steps are done, or `failure` says which was not
//
// The last two come in either order; the kernel says whose an answer is. It is a part of the zygote's module
// too, which has the C library and nothing else.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>

#include "sandbox/linux/child.h"

namespace hearth::sandbox {

inline constexpr std::size_t kMostRequestBytes = 32UL << 10U;
inline constexpr std::size_t kMostRequestDescriptors = 32;
inline constexpr std::size_t kMostMasks = 64;

enum class ForkAnswerKind { kReady, kForked, kFinished };

struct ForkAnswer {
  ForkAnswerKind kind = ForkAnswerKind::kReady;
  long value = 0;
  ChildFailure failure;
};

struct ReceivedAnswer {
  ForkAnswer answer;
  pid_t sender = 0;  // as the receiver numbers it
};

// What was received; the plan points into it. Close what it holds with close_all().
struct ForkRequest {
  ChildPlan plan;
  int clone_target = -1;
  std::array<int, kMostRequestDescriptors> descriptors{};
  std::size_t descriptor_count = 0;
  std::array<ProcMask, kMostMasks> masks{};
  std::size_t size = 0;  // of what came
  alignas(8) std::array<char, kMostRequestBytes> bytes{};
};

// All return 0 or errno.
int send_request(int socket, const ChildPlan& plan, int clone_target);  // E2BIG: it does not fit
int receive_request(int socket, ForkRequest& request);                  // ENOTCONN: the other end has gone
void close_all(ForkRequest& request);
void forget(ForkRequest& request);  // so that none of its bytes stay in a process's memory
int send_answer(int socket, const ForkAnswer& answer);
// Does not wait: EAGAIN. ENOTCONN, or ECONNRESET: the other end has gone. Call tell_senders() on the socket
// first.
int receive_answer(int socket, ReceivedAnswer& received);
int tell_senders(int socket);

}  // namespace hearth::sandbox
