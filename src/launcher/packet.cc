#include "launcher/packet.h"

#include <cassert>
#include <cerrno>
#include <cstring>

#include "launcher/codec.h"

namespace hearth::launcher {
namespace {

template <std::size_t count>
struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(count * sizeof(int))> bytes{};
};

}  // namespace

int send_packet(int socket, std::string_view bytes, std::span<const int> descriptors, int flags) {
  assert(descriptors.size() <= kMaxDescriptors);
  iovec data{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  ControlBuffer<kMaxDescriptors> control;
  if (!descriptors.empty()) {
    header.msg_control = control.bytes.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &header, flags | MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

PacketReceiver::PacketReceiver() : buffer_(kMaxMessageBytes, '\0') {}

base::Result<PacketReceiver::Outcome> PacketReceiver::receive(int socket, int flags) {
  iovec data{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  ControlBuffer<kMaxDescriptors + 1> control;
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes.data();
  header.msg_controllen = control.bytes.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  bytes_ = std::string_view(buffer_).substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return Outcome::kNothing;
  }
  if (size < 0 && errno == ECONNRESET) {
    return Outcome::kEnd;  // the peer has closed with packets of ours unread
  }
  if (size < 0) {
    return base::io_error("cannot read the launcher's socket", errno);
  }
  take_descriptors(header);
  if ((header.msg_flags & MSG_TRUNC) != 0 || descriptor_count_ > kMaxDescriptors) {
    return base::Error{base::ErrorCode::kTooLarge, "a packet on the launcher's socket is over its bounds"};
  }
  return size == 0 ? Outcome::kEnd : Outcome::kPacket;
}

void PacketReceiver::take_descriptors(msghdr& header) {
  for (base::UniqueFd& fd : descriptors()) {
    fd.reset();
  }
  descriptor_count_ = 0;
  descriptors_lost_ = (header.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && descriptor_count_ < descriptors_.size(); ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors_[descriptor_count_++].reset(fd);
    }
  }
}

}  // namespace hearth::launcher
