// Requests to the kernel's interface and address configuration (rtnetlink(7)), written directly: a
// helper process for each would cost a start more than the rest of it. Used by veth.cc.
#pragma once

#include <linux/netlink.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::sandbox {

// Several messages that the kernel handles in order, in one system call. What does not fit marks the
// request as overflown, which sending it reports.
class NetlinkRequest {
 public:
  static constexpr std::size_t kCapacityBytes = 1024;
  static constexpr std::uint32_t kMaxMessages = 8;

  // Begins a message with its family's header (ifinfomsg, ifaddrmsg, rtmsg).
  template <typename Header>
  void begin(std::uint16_t type, int flags, const Header& header) {
    begin_message(type, static_cast<std::uint16_t>(flags));
    append(&header, sizeof header);
  }
  // Attributes of the message begun last.
  void add(std::uint16_t attribute, std::uint32_t value);
  void add(std::uint16_t attribute, std::uint8_t value);
  void add(std::uint16_t attribute, std::string_view text);  // with a NUL, as the kernel reads names
  // An attribute that holds others until the matching close(); takes a header of its own where the
  // kernel asks for one.
  std::size_t open(std::uint16_t attribute);
  template <typename Header>
  std::size_t open(std::uint16_t attribute, const Header& header) {
    const auto start = open(attribute);
    append(&header, sizeof header);
    return start;
  }
  void close(std::size_t start);
  // The message begun last may fail.
  void tolerate();

  // The bytes to send; empty after an overflow. Every message asks for an answer.
  std::span<const std::byte> finish();
  std::uint32_t messages() const { return messages_; }
  bool tolerates(std::uint32_t message) const { return (tolerated_ >> message & 1U) != 0; }

 private:
  void begin_message(std::uint16_t type, std::uint16_t flags);
  void end_message();
  void append(const void* bytes, std::size_t size);
  void append_attribute(std::uint16_t type, const void* bytes, std::size_t size);

  alignas(NLMSG_ALIGNTO) std::array<std::byte, kCapacityBytes> bytes_{};
  std::size_t used_ = 0;
  std::size_t message_start_ = 0;
  std::uint32_t messages_ = 0;
  std::uint32_t tolerated_ = 0;  // a bit a message
  bool overflown_ = false;
};

// A socket for the network namespace of the calling thread, which it keeps; -1 and errno.
int open_netlink();

// Sends, and reads the answers. 0, or the errno of the first message that failed.
int exchange(int socket, NetlinkRequest& request);

// Sends one message whose answer has one attribute of interest, a number. 0, or errno; ENODATA when the
// answer lacks it.
int ask(int socket, NetlinkRequest& request, std::size_t header_size, std::uint16_t attribute,
        std::uint32_t& value);

}  // namespace hearth::sandbox
