#include "http/tls_session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace hearth::http {
namespace {

// A record's most (RFC 8446, section 5.1); and one read of the socket.
constexpr std::size_t kRecordBytes = 16 * 1024;

// Copies what comes after the first `skipped` bytes of the parts, until `room` is full. How much that is.
std::size_t gather(std::span<const iovec> parts, std::size_t skipped, std::span<char> room) {
  std::size_t copied = 0;
  for (const iovec& part : parts) {
    const std::size_t begin = std::min(skipped, part.iov_len);
    skipped -= begin;
    const std::size_t bytes = std::min(part.iov_len - begin, room.size() - copied);
    if (bytes > 0) {
      std::memcpy(room.data() + copied, static_cast<const char*>(part.iov_base) + begin, bytes);
    }
    copied += bytes;
  }
  return copied;
}

SSL* made_for(const TlsContext& context) {
  SSL* const made = context.make();
  if (made == nullptr) {
    throw std::bad_alloc();  // its one reason
  }
  return made;
}

}  // namespace

void TlsSession::Free::operator()(SSL* ssl) const { SSL_free(ssl); }

TlsSession::TlsSession(const TlsContext& context, int socket)
    : socket_(socket), ssl_(made_for(context)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  SSL_set_bio(ssl_.get(), in_, out_);
  context.server() ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
}

TlsSession::~TlsSession() = default;

TlsSession::Handshake TlsSession::shake_hands() {
  while (!end_) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    const int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), done);
    if (why == SSL_ERROR_NONE && export_binding()) {
      push();
      secured_ = true;
      return Handshake::kDone;
    }
    if (why != SSL_ERROR_WANT_READ) {
      fail();
      break;
    }
    push();
    if (!fill() && !end_) {
      return Handshake::kPending;
    }
  }
  return Handshake::kFailed;
}

bool TlsSession::export_binding() {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  return SSL_export_keying_material(ssl_.get(), reinterpret_cast<unsigned char*>(binding_.data()),
                                    binding_.size(), kLabel.data(), kLabel.size(), nullptr, 0, 0) == 1;
}

// Bytes that stay in here are asked for again, because there was no more room. Behind a read of this call
// that had more room there is nothing in the socket; what has come since an earlier one may have been told
// already.
ssize_t TlsSession::receive(char* room, std::size_t bytes) {
  std::size_t got = 0;
  more_ = true;
  while (secured_ && !end_) {
    got += decrypt(room + got, bytes - got);
    if (got == bytes || (got > 0 && !more_) || (!end_ && !fill())) {
      break;
    }
  }
  push();  // what TLS itself has to say: an update of keys
  if (got > 0) {
    return static_cast<ssize_t>(got);
  }
  errno = end_.value_or(EAGAIN);
  return errno == 0 ? 0 : -1;
}

// As much as there is.
std::size_t TlsSession::decrypt(char* room, std::size_t bytes) {
  std::size_t got = 0;
  while (got < bytes) {
    ERR_clear_error();
    std::size_t piece = 0;
    if (SSL_read_ex(ssl_.get(), room + got, bytes - got, &piece) == 1) {
      got += piece;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), 0);
    if (why == SSL_ERROR_ZERO_RETURN) {
      end_ = 0;
    } else if (why != SSL_ERROR_WANT_READ) {
      fail();
    }
    break;
  }
  return got;
}

// One read of the socket; false when nothing has come.
bool TlsSession::fill() {
  std::array<char, kRecordBytes> bytes;
  ssize_t got = 0;
  do {
    got = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  more_ = got == static_cast<ssize_t>(bytes.size());
  if (got > 0) {
    BIO_write(in_, bytes.data(), static_cast<int>(got));
    return true;
  }
  if (got == 0 || errno != EAGAIN) {
    end_ = got == 0 ? 0 : errno;
  }
  return false;
}

ssize_t TlsSession::send(std::span<const iovec> parts) {
  if (!secured_ || !push()) {
    errno = secured_ ? errno : end_ ? EPIPE : EAGAIN;
    return -1;
  }
  std::size_t taken = std::exchange(encrypted_bytes_, 0);
  std::array<char, kRecordBytes> text;
  while (const std::size_t bytes = gather(parts, taken, text)) {
    const bool encrypted = encrypt(text.data(), bytes);
    if (!encrypted || !push()) {
      encrypted_bytes_ = encrypted ? bytes : 0;
      return taken > 0 ? static_cast<ssize_t>(taken) : -1;
    }
    taken += bytes;
  }
  return static_cast<ssize_t>(taken);
}

ssize_t TlsSession::send_at_once(std::string_view text, int flags) {
  if (!secured_ || !push()) {
    errno = secured_ ? errno : EAGAIN;
    return -1;
  }
  if (!encrypt(text.data(), text.size())) {
    return -1;
  }
  return push(flags) ? static_cast<ssize_t>(text.size()) : 0;
}

// errno says why not.
bool TlsSession::encrypt(const char* text, std::size_t bytes) {
  ERR_clear_error();
  std::size_t written = 0;
  if (SSL_write_ex(ssl_.get(), text, bytes, &written) == 1 && written == bytes) {
    return true;
  }
  fail();
  errno = EPROTO;
  return false;
}

// Whether the kernel has all that was encrypted; errno says why not.
bool TlsSession::push(int flags) {
  char* bytes = nullptr;
  const long left = BIO_get_mem_data(out_, &bytes);
  if (left <= 0) {
    return true;
  }
  const ssize_t taken =
      ::send(socket_, bytes, static_cast<std::size_t>(left), MSG_NOSIGNAL | MSG_DONTWAIT | flags);
  if (taken > 0) {
    drop_pushed(static_cast<std::size_t>(taken));
    errno = EAGAIN;  // for the rest
  }
  return taken == left;
}

void TlsSession::drop_pushed(std::size_t bytes) {
  std::array<char, 4 * 1024> dropped;
  while (bytes > 0) {
    bytes -= static_cast<std::size_t>(
        BIO_read(out_, dropped.data(), static_cast<int>(std::min(bytes, dropped.size()))));
  }
}

// The peer is told, and so is the loop, which may have been given what came before.
void TlsSession::fail() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  fault_ = reason == nullptr ? "malformed" : reason;
  push();
  ::shutdown(socket_, SHUT_RDWR);
  end_ = EPROTO;
}

}  // namespace hearth::http
