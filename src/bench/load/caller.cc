#include "bench/load/caller.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace hearth::bench {
namespace {

std::string_view reason_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "connection refused";
    case ECONNRESET:
    case EPIPE:
      return "connection reset";
    case ETIMEDOUT:
      return "connection timed out";
    case EADDRNOTAVAIL:
      return "no local port left";
    case EMFILE:
    case ENFILE:
      return "too many open files";
    default:
      return "connection failed";
  }
}

}  // namespace

bool Caller::connect(const Address& address, int epoll_fd, std::int64_t now_ns) {
  close();
  socket_.reset(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.valid()) {
    fail(reason_of(errno));
    return false;
  }
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int done =
      ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  if (done != 0 && errno != EINPROGRESS) {
    fail(reason_of(errno));
    return false;
  }
  epoll_event event{};
  event.events = EPOLLOUT;
  event.data.u32 = index_;
  ::epoll_ctl(epoll_fd, EPOLL_CTL_ADD, socket_.get(), &event);
  epoll_fd_ = epoll_fd;
  state_ = State::kConnecting;
  since_ns_ = now_ns;
  return true;
}

void Caller::close() {
  socket_.reset();  // which takes it out of the epoll set, too
  state_ = State::kClosed;
  scanner_.reset();
}

void Caller::watch(std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = index_;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, socket_.get(), &event);
}

Caller::Event Caller::fail(std::string_view reason) {
  close();
  reason_ = reason;
  return Event::kFailed;
}

Caller::Event Caller::finish_connecting() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    return fail(reason_of(error));
  }
  watch(EPOLLIN);
  state_ = State::kIdle;
  return Event::kConnected;
}

Caller::Event Caller::call(const std::string& request, std::int64_t begin_ns, std::int64_t now_ns) {
  request_ = &request;
  sent_ = 0;
  begin_ns_ = begin_ns;
  since_ns_ = now_ns;
  scanner_.reset();
  state_ = State::kWaiting;
  return send_rest();
}

Caller::Event Caller::send_rest() {
  while (sent_ < request_->size()) {
    const ssize_t count =
        ::send(socket_.get(), request_->data() + sent_, request_->size() - sent_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno != EAGAIN) {
      return fail(reason_of(errno));
    }
    if (count < 0) {
      if (state_ != State::kSending) {
        state_ = State::kSending;
        watch(EPOLLIN | EPOLLOUT);
      }
      return Event::kNone;
    }
    sent_ += static_cast<std::size_t>(count);
  }
  if (state_ == State::kSending) {
    state_ = State::kWaiting;
    watch(EPOLLIN);
  }
  return Event::kNone;
}

Caller::Event Caller::ready(std::uint32_t epoll_events, char* buffer, std::size_t size) {
  switch (state_) {
    case State::kClosed:
      return Event::kNone;
    case State::kConnecting:
      return finish_connecting();
    case State::kSending:
      if ((epoll_events & EPOLLOUT) != 0) {
        if (const Event event = send_rest(); event != Event::kNone) {
          return event;
        }
      }
      return (epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 ? receive(buffer, size)
                                                                         : Event::kNone;
    case State::kIdle:
    case State::kWaiting:
      return receive(buffer, size);
  }
  return Event::kNone;
}

// One read: what is left in the socket comes with the next event. Only while an answer is being read,
// since the server has the right to close an idle connection.
Caller::Event Caller::receive(char* buffer, std::size_t size) {
  const ssize_t count = ::recv(socket_.get(), buffer, size, 0);
  if (count < 0) {
    return errno == EAGAIN || errno == EINTR ? Event::kNone : fail(reason_of(errno));
  }
  const bool was_idle = state_ == State::kIdle;
  if (was_idle) {
    close();
    return Event::kNone;
  }
  if (count == 0) {
    if (!scanner_.end()) {
      return fail("connection closed");
    }
  } else {
    const auto got = static_cast<std::size_t>(count);
    const std::size_t used = scanner_.feed({buffer, got});
    if (scanner_.broken() || used != got) {
      return fail("no valid HTTP answer");
    }
    if (!scanner_.done()) {
      return Event::kNone;
    }
  }
  const bool stays = scanner_.keep_alive() && state_ == State::kWaiting;
  state_ = stays ? State::kIdle : State::kClosed;
  if (!stays) {
    socket_.reset();
  }
  return Event::kAnswered;
}

}  // namespace hearth::bench
