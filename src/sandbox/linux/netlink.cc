#include "sandbox/linux/netlink.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hearth::sandbox {
namespace {

constexpr std::size_t kAnswerBytes = 4096;

constexpr std::size_t aligned(std::size_t size) { return NLMSG_ALIGN(size); }

using Bytes = std::span<const std::byte>;

struct Answer {
  alignas(NLMSG_ALIGNTO) std::array<std::byte, kAnswerBytes> bytes{};
  std::size_t size = 0;
};

int send_request(int socket, NetlinkRequest& request) {
  const auto bytes = request.finish();
  if (bytes.empty()) {
    return EMSGSIZE;
  }
  return ::send(socket, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) ? 0 : errno;
}

int receive(int socket, Answer& answer) {
  ssize_t got = 0;
  do {
    got = ::recv(socket, answer.bytes.data(), answer.bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  answer.size = got < 0 ? 0 : static_cast<std::size_t>(got);
  return got < 0 ? errno : 0;
}

// The whole message at `offset`, header included; empty when none is left.
Bytes message_at(const Answer& answer, std::size_t offset, nlmsghdr& header) {
  if (offset + sizeof header > answer.size) {
    return {};
  }
  std::memcpy(&header, answer.bytes.data() + offset, sizeof header);
  if (header.nlmsg_len < sizeof header || header.nlmsg_len > answer.size - offset) {
    return {};
  }
  return std::span(answer.bytes).subspan(offset, header.nlmsg_len);
}

// Hands every message to `handle` until each of the request's has been acknowledged.
template <typename Handler>
int read_answers(int socket, std::uint32_t expected, Handler&& handle) {
  for (std::uint32_t acknowledged = 0; acknowledged < expected;) {
    Answer answer;
    if (const int error = receive(socket, answer); error != 0) {
      return error;
    }
    nlmsghdr header{};
    std::size_t offset = 0;
    for (auto message = message_at(answer, 0, header); !message.empty();
         message = message_at(answer, offset, header)) {
      handle(header, message);
      acknowledged += header.nlmsg_type == NLMSG_ERROR ? 1 : 0;
      offset += aligned(message.size());
    }
  }
  return 0;
}

int error_of(Bytes message) {
  int error = -EPROTO;
  if (message.size() >= sizeof(nlmsghdr) + sizeof error) {
    std::memcpy(&error, message.data() + sizeof(nlmsghdr), sizeof error);
  }
  return -error;
}

bool find_number(Bytes attributes, std::uint16_t wanted, std::uint32_t& value) {
  rtattr head{};
  while (attributes.size() >= sizeof head) {
    std::memcpy(&head, attributes.data(), sizeof head);
    if (head.rta_len < sizeof head || head.rta_len > attributes.size()) {
      return false;
    }
    if (head.rta_type == wanted && head.rta_len == sizeof head + sizeof value) {
      std::memcpy(&value, attributes.data() + sizeof head, sizeof value);
      return true;
    }
    attributes = attributes.subspan(std::min(attributes.size(), aligned(head.rta_len)));
  }
  return false;
}

}  // namespace

void NetlinkRequest::append(const void* bytes, std::size_t size) {
  if (overflown_ || aligned(size) > kCapacityBytes - used_) {
    overflown_ = true;
    return;
  }
  if (size != 0) {
    std::memcpy(bytes_.data() + used_, bytes, size);
  }
  used_ += aligned(size);
}

void NetlinkRequest::begin_message(std::uint16_t type, std::uint16_t flags) {
  end_message();
  overflown_ = overflown_ || messages_ == kMaxMessages;
  message_start_ = used_;
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  header.nlmsg_seq = messages_;
  append(&header, sizeof header);
  ++messages_;
}

void NetlinkRequest::end_message() {
  if (messages_ == 0 || overflown_) {
    return;
  }
  const auto length = static_cast<std::uint32_t>(used_ - message_start_);
  std::memcpy(bytes_.data() + message_start_ + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
}

void NetlinkRequest::append_attribute(std::uint16_t type, const void* bytes, std::size_t size) {
  rtattr head{};
  head.rta_type = type;
  head.rta_len = static_cast<std::uint16_t>(sizeof head + size);
  append(&head, sizeof head);
  append(bytes, size);
}

void NetlinkRequest::add(std::uint16_t attribute, std::uint32_t value) {
  append_attribute(attribute, &value, sizeof value);
}

void NetlinkRequest::add(std::uint16_t attribute, std::uint8_t value) {
  append_attribute(attribute, &value, sizeof value);
}

void NetlinkRequest::add(std::uint16_t attribute, std::string_view text) {
  std::array<char, 64> terminated{};
  if (text.size() >= terminated.size()) {
    overflown_ = true;
    return;
  }
  std::memcpy(terminated.data(), text.data(), text.size());
  append_attribute(attribute, terminated.data(), text.size() + 1);
}

std::size_t NetlinkRequest::open(std::uint16_t attribute) {
  const auto start = used_;
  append_attribute(attribute, nullptr, 0);
  return start;
}

void NetlinkRequest::close(std::size_t start) {
  if (overflown_) {
    return;
  }
  const auto length = static_cast<std::uint16_t>(used_ - start);
  std::memcpy(bytes_.data() + start + offsetof(rtattr, rta_len), &length, sizeof length);
}

void NetlinkRequest::tolerate() { tolerated_ |= 1U << (messages_ - 1); }

std::span<const std::byte> NetlinkRequest::finish() {
  end_message();
  return overflown_ ? Bytes() : Bytes(bytes_.data(), used_);
}

int open_netlink() { return ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }

int exchange(int socket, NetlinkRequest& request) {
  int failed = send_request(socket, request);
  if (failed != 0) {
    return failed;
  }
  const int unread = read_answers(socket, request.messages(), [&](const nlmsghdr& header, Bytes message) {
    if (header.nlmsg_type == NLMSG_ERROR && failed == 0 && !request.tolerates(header.nlmsg_seq)) {
      failed = error_of(message);
    }
  });
  return unread != 0 ? unread : failed;
}

int ask(int socket, NetlinkRequest& request, std::size_t header_size, std::uint16_t attribute,
        std::uint32_t& value) {
  if (const int error = send_request(socket, request); error != 0) {
    return error;
  }
  int result = ENODATA;
  const auto attributes = sizeof(nlmsghdr) + aligned(header_size);
  const int unread = read_answers(socket, request.messages(), [&](const nlmsghdr& header, Bytes message) {
    if (header.nlmsg_type == NLMSG_ERROR) {
      const int error = error_of(message);
      result = error != 0 ? error : result;
    } else if (message.size() > attributes && find_number(message.subspan(attributes), attribute, value)) {
      result = 0;
    }
  });
  return unread != 0 ? unread : result;
}

}  // namespace hearth::sandbox
