#include "sandbox/linux/fork_request.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace hearth::sandbox {
namespace {

// The packet: this, the filter's instructions, the options of /tmp and the masks' paths. A zero ends each
// text.
struct Head {
  rlim_t open_files;
  uid_t uid;
  std::size_t filter_length;
  std::size_t task_files;
  std::size_t masks;
  bool has_code;
  bool has_clone_target;
};

// The descriptors, in this order; then the code's, the clone target's and the task files, where there are
// any.
constexpr std::array kDescriptors = {&ChildPlan::root,     &ChildPlan::network, &ChildPlan::launcher,
                                     &ChildPlan::requests, &ChildPlan::answers, &ChildPlan::out,
                                     &ChildPlan::err};

class Writer {
 public:
  explicit Writer(std::span<char> into) : into_(into) {}

  void put(const void* from, std::size_t size) {
    fits_ = fits_ && size <= into_.size() - used_;
    if (fits_) {
      std::memcpy(into_.data() + used_, from, size);
      used_ += size;
    }
  }
  void put(const char* text) { put(text, std::strlen(text) + 1); }
  bool fits() const { return fits_; }
  std::size_t used() const { return used_; }

 private:
  std::span<char> into_;
  std::size_t used_ = 0;
  bool fits_ = true;
};

class Reader {
 public:
  Reader(const char* from, std::size_t size) : at_(from), end_(from + size) {}

  // Null where there is not so much, here and below.
  const char* take(std::size_t size) {
    if (at_ == nullptr || size > static_cast<std::size_t>(end_ - at_)) {
      return at_ = nullptr;
    }
    return std::exchange(at_, at_ + size);
  }
  const char* take_text() {
    const auto* const zero =
        at_ == nullptr ? nullptr
                       : static_cast<const char*>(std::memchr(at_, 0, static_cast<std::size_t>(end_ - at_)));
    return zero == nullptr ? at_ = nullptr : take(static_cast<std::size_t>(zero - at_) + 1);
  }
  bool ended() const { return at_ == end_; }

 private:
  const char* at_;
  const char* end_;
};

union Control {
  char bytes[CMSG_SPACE(kMostRequestDescriptors * sizeof(int))];
  cmsghdr header;  // for its alignment
};

std::size_t list_descriptors(const ChildPlan& plan, int clone_target, std::span<int> into) {
  std::size_t count = 0;
  const auto add = [&](int fd) {
    if (count < into.size()) {
      into[count] = fd;
    }
    ++count;
  };
  for (const auto field : kDescriptors) {
    add(plan.*field);
  }
  if (plan.code_mount >= 0) {
    add(plan.code_mount);
  }
  if (clone_target >= 0) {
    add(clone_target);
  }
  for (const int file : plan.task_files) {
    add(file);
  }
  return count;
}

// Into the plan, of which the head has told what there is.
bool place_descriptors(const Head& head, ForkRequest& request) {
  const std::size_t optional = (head.has_code ? 1 : 0) + (head.has_clone_target ? 1 : 0);
  if (request.descriptor_count != kDescriptors.size() + optional + head.task_files) {
    return false;
  }
  const int* next = request.descriptors.data();
  for (const auto field : kDescriptors) {
    request.plan.*field = *next++;
  }
  request.plan.code_mount = head.has_code ? *next++ : -1;
  request.clone_target = head.has_clone_target ? *next++ : -1;
  request.plan.task_files = {next, head.task_files};
  return true;
}

bool decode(std::size_t size, ForkRequest& request) {
  Reader reader(request.bytes.data(), size);
  const auto* const head_bytes = reader.take(sizeof(Head));
  if (head_bytes == nullptr) {
    return false;
  }
  const auto& head = *reinterpret_cast<const Head*>(head_bytes);
  const auto* const filter = reader.take(head.filter_length * sizeof(sock_filter));
  ChildPlan& plan = request.plan;
  plan = {};
  plan.uid = head.uid;
  plan.open_files = head.open_files;
  plan.filter = {static_cast<unsigned short>(head.filter_length),
                 reinterpret_cast<sock_filter*>(const_cast<char*>(filter))};
  plan.tmp_options = reader.take_text();
  if (head.masks > request.masks.size()) {
    return false;
  }
  for (std::size_t i = 0; i < head.masks; ++i) {
    const auto* const is_folder = reader.take(1);
    request.masks[i] = {reader.take_text(), is_folder != nullptr && *is_folder != 0};
  }
  plan.masks = {request.masks.data(), head.masks};
  return reader.ended() && place_descriptors(head, request);
}

void take_descriptors(msghdr& message, ForkRequest& request) {
  request.descriptor_count = 0;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
      request.descriptor_count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::memcpy(request.descriptors.data(), CMSG_DATA(part), request.descriptor_count * sizeof(int));
    }
  }
}

}  // namespace

int send_request(int socket, const ChildPlan& plan, int clone_target) {
  alignas(8) std::array<char, kMostRequestBytes> bytes;
  Writer writer(bytes);
  Head head;
  std::memset(&head, 0, sizeof head);  // what lies between its fields would be told too
  head.open_files = plan.open_files;
  head.uid = plan.uid;
  head.filter_length = plan.filter.len;
  head.task_files = plan.task_files.size();
  head.masks = plan.masks.size();
  head.has_code = plan.code_mount >= 0;
  head.has_clone_target = clone_target >= 0;
  writer.put(&head, sizeof head);
  writer.put(plan.filter.filter, plan.filter.len * sizeof(sock_filter));
  writer.put(plan.tmp_options);
  for (const ProcMask& mask : plan.masks) {
    writer.put(&mask.is_folder, 1);
    writer.put(mask.path);
  }
  std::array<int, kMostRequestDescriptors> descriptors;
  const std::size_t count = list_descriptors(plan, clone_target, descriptors);
  if (!writer.fits() || count > descriptors.size() || plan.masks.size() > kMostMasks) {
    return E2BIG;
  }
  iovec part{bytes.data(), writer.used()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(count * sizeof(int));
  auto* const rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(count * sizeof(int));
  std::memcpy(CMSG_DATA(rights), descriptors.data(), count * sizeof(int));
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? errno : 0;
}

int receive_request(int socket, ForkRequest& request) {
  iovec part{request.bytes.data(), request.bytes.size()};
  Control control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) {
    return size == 0 ? ENOTCONN : errno;
  }
  request.size = static_cast<std::size_t>(size);
  take_descriptors(message, request);
  const bool whole = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  if (!whole || !decode(request.size, request)) {
    close_all(request);
    return EBADMSG;
  }
  return 0;
}

void close_all(ForkRequest& request) {
  for (std::size_t i = 0; i < request.descriptor_count; ++i) {
    ::close(request.descriptors[i]);
  }
  request.descriptor_count = 0;
}

void forget(ForkRequest& request) { std::memset(request.bytes.data(), 0, request.size); }

int send_answer(int socket, const ForkAnswer& answer) {
  return ::send(socket, &answer, sizeof answer, MSG_NOSIGNAL) < 0 ? errno : 0;
}

int tell_senders(int socket) {
  const int on = 1;
  return ::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ? errno : 0;
}

int receive_answer(int socket, ReceivedAnswer& received) {
  iovec part{&received.answer, sizeof received.answer};
  union {
    char bytes[CMSG_SPACE(sizeof(ucred))];
    cmsghdr header;  // for its alignment
  } control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size != static_cast<ssize_t>(sizeof received.answer)) {
    return size < 0 ? errno : ENOTCONN;
  }
  received.sender = 0;
  if (const auto* const rights = CMSG_FIRSTHDR(&message); rights != nullptr) {
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(rights), sizeof credentials);
    received.sender = credentials.pid;
  }
  return 0;
}

}  // namespace hearth::sandbox
