// For tests of what asks a server: a listening socket, and its connections as plain bytes. All on the test's
// own thread, beside the reactor that it runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace hearth::http::test {

// One connection, accepted or begun.
class RawConnection {
 public:
  explicit RawConnection(base::UniqueFd socket) : socket_(std::move(socket)) {}
  // To a server of 127.0.0.1; throws when nothing listens there.
  static std::unique_ptr<RawConnection> to(std::uint16_t port);

  int fd() const { return socket_.get(); }
  void send(std::string_view bytes);
  // As much as the kernel takes now; how many bytes.
  std::size_t send_some(std::string_view bytes);
  // What has come, without waiting.
  const std::string& received();
  void forget() { received_.clear(); }
  // The peer has closed, half-closed or reset it.
  bool ended();
  void close() { socket_.reset(); }
  void half_close();
  void reset();  // closes with RST

 private:
  base::UniqueFd socket_;
  std::string received_;
  bool ended_ = false;
};

// Listens on 127.0.0.1; the kernel completes connections whether they are accepted or not.
class RawServer {
 public:
  RawServer();

  std::uint16_t port() const { return port_; }
  // The next connection, which must be there already; null when it is not.
  std::unique_ptr<RawConnection> accept() const;
  // The same as a socket; not valid when there is none.
  base::UniqueFd accept_socket() const;

 private:
  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
};

}  // namespace hearth::http::test
