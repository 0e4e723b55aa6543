// The connected socket of one connection, plain or with TLS: all that a connection asks the kernel for.
//
// Below Connection and ClientConnection, which mean the same whichever it is. What a peer is asked to show by
// the socket itself, that it is there, or that its host knows of our end, needs no TLS: its end is the
// socket's (FIN), and nothing is sent before that as a farewell. Loop thread only.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/unique_fd.h"
#include "http/tls_context.h"
#include "http/tls_session.h"

namespace hearth::http {

class PeerSocket {
 public:
  PeerSocket() = default;
  // `socket` is non-blocking. Null `tls`: plain.
  explicit PeerSocket(base::UniqueFd socket, const TlsContextPtr& tls = nullptr)
      : socket_(std::move(socket)), tls_(tls ? std::make_unique<TlsSession>(*tls, socket_.get()) : nullptr) {}

  int fd() const { return socket_.get(); }
  void close();

  // Of a plain one there is none to be done.
  bool secured() const { return !tls_ || tls_->secured(); }
  // At each readiness, until it is secured. Before that nothing is received or taken.
  TlsSession::Handshake shake_hands() { return tls_ ? tls_->shake_hands() : TlsSession::Handshake::kDone; }
  // TlsSession's; empty of a plain one.
  std::string_view channel_binding() const { return tls_ ? tls_->channel_binding() : std::string_view(); }
  // What is wrong with the peer's TLS, when receive() has said EPROTO; else empty.
  std::string_view fault() const { return tls_ ? tls_->fault() : std::string_view(); }

  // recv(2). Less than there was room for: there is no more now.
  ssize_t receive(char* room, std::size_t bytes) {
    return tls_ ? tls_->receive(room, bytes) : ::recv(socket_.get(), room, bytes, MSG_DONTWAIT);
  }
  // sendmsg(2). What was not taken is offered again next, unchanged.
  ssize_t send(std::span<iovec> parts) {
    if (tls_) {
      return tls_->send(parts);
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  // The same of one text.
  ssize_t send(std::string_view text) {
    if (tls_) {
      iovec part{const_cast<char*>(text.data()), text.size()};  // nobody writes through the pointer
      return tls_->send({&part, 1});
    }
    return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  // send(2) of a few words. When a part alone was taken, or none without EAGAIN, the connection is of no more
  // use.
  ssize_t send_at_once(std::string_view text, int flags) {
    return tls_ ? tls_->send_at_once(text, flags)
                : ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT | flags);
  }
  // Sends what the kernel waits with (MSG_MORE).
  void push_held();

  // Whether the peer has neither closed nor half-closed, as far as the socket tells at this moment.
  bool peer_is_there() const;
  // Says that nothing more will be sent.
  void half_close() { ::shutdown(socket_.get(), SHUT_WR); }
  // The loop is told that it has ended.
  void break_off() { ::shutdown(socket_.get(), SHUT_RDWR); }
  // After half_close(): the peer's host has said that everything has come.
  bool all_arrived() const;

 private:
  base::UniqueFd socket_;
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace hearth::http
