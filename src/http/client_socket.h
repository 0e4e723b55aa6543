// A blocking TCP connection whose every wait has a deadline: the client's only contact with sockets.
// One thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "http/endpoint.h"

namespace hearth::http {

class ClientSocket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Sent {
    kAll,
    kAnswered,  // the peer answers already; the rest was not sent
    kClosed,    // the peer has closed; an answer may be waiting all the same
  };

  ClientSocket() = default;

  // Tries each address of the host. kIo with the system's words (`nothing_listens` tells the commonest
  // reason apart), kTimeout.
  base::Result<void> connect(const HostPort& address, TimePoint deadline, bool& nothing_listens);
  void close() { fd_.reset(); }
  bool open() const { return fd_.valid(); }

  // Bytes or the peer's close are waiting to be read.
  bool readable() const;

  // Adds to `sent` what the kernel has taken. kTimeout, kIo.
  base::Result<Sent> send(std::string_view bytes, TimePoint deadline, std::size_t& sent);

  // 0 when the peer has closed or reset the connection. kTimeout, kIo.
  base::Result<std::size_t> receive(char* buffer, std::size_t size, TimePoint deadline);

 private:
  base::UniqueFd fd_;
};

}  // namespace hearth::http
