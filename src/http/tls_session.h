// The TLS of one connected socket: what stands between its bytes and those that the connection means.
// Non-blocking; OpenSSL reads and writes memory, and the socket is used here alone.
//
// Reads and writes are meant as those of the socket itself are, so that PeerSocket has the same for both:
// what was read less than asked for is all that was there, and what was written has been taken by the kernel.
// Loop thread only.
#pragma once

#include <openssl/types.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/tls_context.h"

namespace hearth::http {

class TlsSession {
 public:
  enum class Handshake { kDone, kPending, kFailed };

  // `socket` is non-blocking, and outlives it.
  TlsSession(const TlsContext& context, int socket);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  // Goes on with it as far as that goes without waiting: at each readiness, until it is done. kFailed:
  // receive() says how the connection has ended.
  Handshake shake_hands();
  bool secured() const { return secured_; }

  // As recv(2): 0 when the peer sends nothing more, with or without a farewell; EAGAIN, also before the
  // handshake is done; EPROTO: fault() says what is wrong.
  ssize_t receive(char* room, std::size_t bytes);
  // As sendmsg(2). What was not taken is offered again next, unchanged: a part of it may be encrypted.
  ssize_t send(std::span<const iovec> parts);
  // As send(2), of a text that fits a record; none of it is encrypted when the answer is EAGAIN.
  ssize_t send_at_once(std::string_view text, int flags);

  // The same at both ends of this connection, and of no other (RFC 9266, tls-exporter). Once secured.
  std::string_view channel_binding() const { return {binding_.data(), binding_.size()}; }
  // Empty while TLS itself is in order.
  std::string_view fault() const { return fault_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const;
  };

  bool export_binding();
  std::size_t decrypt(char* room, std::size_t bytes);
  bool encrypt(const char* text, std::size_t bytes);
  bool fill();
  bool push(int flags = 0);
  void drop_pushed(std::size_t bytes);
  void fail();

  const int socket_;
  const std::unique_ptr<SSL, Free> ssl_;
  BIO* in_ = nullptr;   // ssl_'s: what was received and not decrypted
  BIO* out_ = nullptr;  // ssl_'s: what was encrypted and not taken by the kernel
  bool secured_ = false;
  bool more_ = false;                // the socket may have more
  std::size_t encrypted_bytes_ = 0;  // of what is offered to send() next: they are in out_, or gone
  std::optional<int> end_;           // what every later read says: 0, or an errno(3)
  std::array<char, 32> binding_{};
  std::string fault_;
};

}  // namespace hearth::http
