#include "http/client_connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hearth::http {
namespace {

// A peer whose host has gone without a word is given up after some four seconds of silence.
constexpr int kKeepAliveSeconds = 1;
constexpr int kKeepAliveProbes = 3;

base::Result<SocketAddress> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return base::Error{base::ErrorCode::kIo,
                       "the host \"" + host + "\" is not known: " + gai_strerror(error)};
  }
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);  // a broken socket says so when it is used
}

// Of a connection that is broken.
base::Error broken(const char* what, int error) {
  base::Error made = base::io_error(what, error);
  if (error == ETIMEDOUT || error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN) {
    made.code = base::ErrorCode::kTimeout;
  } else if (error == ECONNRESET) {  // behind the peer's end it would be EPIPE
    made.code = base::ErrorCode::kUnavailable;
  }
  return made;
}

// Of a chunked answer: trailers, which none has.
constexpr std::uint32_t kTrailerBytes = 1024;
constexpr std::uint32_t kTrailers = 10;

base::Error malformed() { return {base::ErrorCode::kCorrupt, "the answer is malformed"}; }

}  // namespace

bool numeric_address(const std::string& host, std::uint16_t port, SocketAddress& address) {
  const auto found = look_up(host, port, AI_NUMERICHOST | AI_NUMERICSERV);
  if (found) {
    address = *found;
  }
  return found.ok();
}

base::Result<SocketAddress> resolve_address(const std::string& host, std::uint16_t port) {
  return look_up(host, port, AI_NUMERICSERV);
}

ClientConnection::ClientConnection(base::Reactor& reactor, std::uint64_t body_limit_bytes,
                                   ClientEvents& events)
    : reactor_(reactor),
      body_limit_bytes_(body_limit_bytes),
      events_(events),
      chunks_(kTrailerBytes, kTrailers) {}

std::shared_ptr<ClientConnection> ClientConnection::open(base::Reactor& reactor, const Destination& to,
                                                         std::uint64_t body_limit_bytes,
                                                         ClientEvents& events) {
  auto made = std::make_shared<ClientConnection>(reactor, body_limit_bytes, events);
  made->begin(to);
  return made;
}

// What fails at once is told from the loop, as everything is.
void ClientConnection::begin(const Destination& to) {
  const auto fail_soon = [this](const char* what, int error) {
    reactor_.post([self = shared_from_this(), failed = base::io_error(what, error)] { self->fail(failed); });
  };
  base::UniqueFd socket(
      ::socket(to.address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) {
    fail_soon("socket", errno);
    return;
  }
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket.get(), IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveSeconds);
  set_option(socket.get(), IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveSeconds);
  set_option(socket.get(), IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
  const auto* const address = reinterpret_cast<const sockaddr*>(&to.address.storage);
  if (::connect(socket.get(), address, to.address.size) != 0 && errno != EINPROGRESS) {
    fail_soon("connect", errno);
    return;
  }
  socket_ = PeerSocket(std::move(socket), to.tls);
  watch_ = reactor_.watch(socket_.fd(),
                          [self = shared_from_this()](base::Readiness ready) { self->on_ready(ready); });
}

void ClientConnection::on_ready(base::Readiness ready) {
  const std::shared_ptr<ClientConnection> self = shared_from_this();  // an event may let go of it
  ended_ = ended_ || ready.ended;
  if (phase_ == Phase::kConnecting && !finish_connecting()) {
    return;
  }
  if (sending_ && ready.writable) {
    flush();
  }
  if (phase_ != Phase::kClosed && (ready.readable || ready.ended)) {
    receive();
  }
}

bool ClientConnection::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
    fail(base::io_error("connect", error != 0 ? error : errno));
    return false;
  }
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (::getpeername(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) {
    return false;  // not yet
  }
  if (!secure()) {
    return false;
  }
  phase_ = Phase::kIdle;
  events_.connected();
  return phase_ != Phase::kClosed;
}

bool ClientConnection::secure() {
  const TlsSession::Handshake state = socket_.shake_hands();
  if (state == TlsSession::Handshake::kFailed) {
    receive();  // says how
  }
  return state == TlsSession::Handshake::kDone;
}

void ClientConnection::send(std::string head, std::shared_ptr<const std::string> body) {
  if (phase_ != Phase::kIdle) {
    return;  // it was lost, and that is told
  }
  head_ = std::move(head);
  body_ = std::move(body);
  sent_bytes_ = 0;
  sending_ = true;
  phase_ = Phase::kAwaiting;
  flush();
}

// An error is found by reading: what the server said before it closed is told first.
void ClientConnection::flush() {
  const std::string_view parts[] = {head_, body_ ? std::string_view(*body_) : std::string_view()};
  std::array<iovec, 2> buffers;
  std::size_t skip = sent_bytes_;
  std::size_t left = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const std::size_t skipped = std::min(skip, parts[i].size());
    skip -= skipped;
    buffers[i] = {const_cast<char*>(parts[i].data()) + skipped, parts[i].size() - skipped};
    left += buffers[i].iov_len;
  }
  const ssize_t sent = socket_.send(buffers);
  sent_bytes_ += sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (sent == static_cast<ssize_t>(left) || (sent < 0 && errno != EAGAIN && errno != EINTR)) {
    sending_ = false;
    body_ = nullptr;
  }
}

void ClientConnection::close() {
  phase_ = Phase::kClosed;
  watch_.stop();
  socket_.close();
  body_ = nullptr;
}

void ClientConnection::fail(base::Error error) {
  if (phase_ == Phase::kClosed) {
    return;
  }
  close();
  events_.lost(error);
}

void ClientConnection::fail_reading(ssize_t got) {
  if (!socket_.fault().empty()) {
    fail({base::ErrorCode::kCorrupt, "it does not speak TLS as it should: " + std::string(socket_.fault())});
  } else if (got == 0) {
    fail({base::ErrorCode::kIo, "the connection was closed"});
  } else {
    fail(broken("recv", errno));
  }
}

// Until there is no more: an edge is told once.
void ClientConnection::receive() {
  while (phase_ != Phase::kClosed) {
    buffer_.make_room();
    const std::size_t room = buffer_.room_bytes();
    const ssize_t got = socket_.receive(buffer_.room(), room);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0 && errno == EAGAIN) {
      return;
    }
    if (got <= 0) {
      fail_reading(got);
      return;
    }
    buffer_.commit(static_cast<std::size_t>(got));
    while (take()) {
    }
    if (static_cast<std::size_t>(got) < room && !ended_) {
      return;  // more, or the end, is another edge
    }
  }
}

// Uses what has come; false when there is nothing to use.
bool ClientConnection::take() {
  switch (phase_) {
    case Phase::kAwaiting:
      return !buffer_.empty() && take_head();
    case Phase::kBody:
      return take_body();
    case Phase::kChunks:
      return !buffer_.empty() && take_chunks();
    case Phase::kIdle:
      if (!buffer_.empty()) {
        fail({base::ErrorCode::kCorrupt, "an answer came that nobody had asked for"});
      }
      return false;
    default:
      return false;
  }
}

bool ClientConnection::take_body() {
  const std::string_view piece =
      buffer_.view().substr(0, static_cast<std::size_t>(answer_.content_length) - answer_body_.size());
  answer_body_.append(piece);
  buffer_.consume(piece.size());
  if (answer_body_.size() < answer_.content_length) {
    return false;
  }
  finish_answer();
  return true;
}

bool ClientConnection::take_chunks() {
  const ChunkedDecoder::Step step = chunks_.next(buffer_.view());
  if (step.kind == ChunkedDecoder::Kind::kRefused) {
    fail(malformed());
    return false;
  }
  if (step.kind == ChunkedDecoder::Kind::kPiece) {
    events_.piece(step.piece);
    if (phase_ == Phase::kClosed) {
      return false;
    }
  }
  buffer_.consume(step.consumed);
  if (step.kind == ChunkedDecoder::Kind::kEnd) {
    finish_answer();
  }
  return step.kind != ChunkedDecoder::Kind::kNeedMore;
}

bool ClientConnection::take_head() {
  AnswerHead head;
  const HeadState state = read_answer_head(buffer_.view(), head);
  if (state == HeadState::kIncomplete) {
    return false;
  }
  if (state == HeadState::kMalformed) {
    fail(malformed());
    return false;
  }
  if (head.status / 100 == 1) {
    buffer_.consume(head.bytes);
    events_.interim(head.status);
    return true;
  }
  if (head.content_length > body_limit_bytes_) {
    fail({base::ErrorCode::kTooLarge, "the answer is larger than is taken"});
    return false;
  }
  // Its own memory: the buffer goes on.
  answer_head_.assign(buffer_.view().substr(0, head.bytes));
  read_answer_head(answer_head_, answer_);
  buffer_.consume(head.bytes);
  answer_body_.clear();
  answer_body_.reserve(static_cast<std::size_t>(answer_.content_length));
  chunks_.reset();
  phase_ = answer_.chunked ? Phase::kChunks : Phase::kBody;
  return true;
}

void ClientConnection::finish_answer() {
  buffer_.shrink();
  // An early refusal: whoever sends on would garble the next request.
  const bool whole = !std::exchange(sending_, false);
  body_ = nullptr;
  phase_ = Phase::kIdle;
  if (!answer_.keep_alive || !whole) {
    answer_.keep_alive = false;
    phase_ = Phase::kClosed;
    watch_.stop();
    socket_.close();
  }
  events_.answered(answer_, std::move(answer_body_));
}

}  // namespace hearth::http
