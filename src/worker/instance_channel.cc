#include "worker/instance_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <utility>

#include "worker/log_capture.h"

namespace hearth::worker {
namespace {

using base::Error;
using base::Result;
using base::UniqueFd;
using Descriptor = boost::asio::posix::stream_descriptor;

// Reads of the socket in one turn of the loop, so that a flood leaves the loop to others.
constexpr int kControlReadsPerTurn = 4;
// The most a pipe can hold (/proc/sys/fs/pipe-max-size): after that many bytes everything written
// before the read began has been read.
constexpr std::size_t kMaxPipeBytes = base::kMiB;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

struct Pair {
  UniqueFd near;
  UniqueFd far;
};

// The near end is ours and non-blocking, the far end goes to the instance and blocks.
Result<Pair> make_socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return base::io_error("control socket", errno);
  }
  return Pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<Pair> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) {
    return base::io_error("log pipe", errno);
  }
  return Pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace

class InstanceChannel::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& context, std::shared_ptr<ReadBuffers> buffers,
       const model::InvocationLimits& limits, Events& events)
      : buffers_(std::move(buffers)),
        events_(&events),
        control_(context),
        out_(context),
        err_(context),
        reader_(limits.response_bytes),
        capture_(limits.log_bytes) {}

  Result<FarEnds> open() {
    auto control = make_socket_pair();
    auto out = make_pipe();
    auto err = make_pipe();
    for (const auto* pair : {&control, &out, &err}) {
      if (!*pair) {
        return pair->error();
      }
    }
    if (auto adopted = adopt(control_, control->near); !adopted) {
      return adopted.error();
    }
    if (auto adopted = adopt(out_, out->near); !adopted) {
      return adopted.error();
    }
    if (auto adopted = adopt(err_, err->near); !adopted) {
      return adopted.error();
    }
    return FarEnds{std::move(control->far), std::move(out->far), std::move(err->far)};
  }

  void start_reading() {
    await_control();
    await_log(out_, model::LogStream::kOut);
    await_log(err_, model::LogStream::kErr);
  }

  void close() {
    events_ = nullptr;
    boost::system::error_code ignored;
    control_.close(ignored);
    out_.close(ignored);
    err_.close(ignored);
    body_.reset();
  }

  void send(std::string_view head, std::shared_ptr<const std::string> body) {
    const std::size_t total = head.size() + (body ? body->size() : 0);
    const std::size_t sent = write_some(head, body ? std::string_view(*body) : std::string_view());
    if (sent == total) {
      return;
    }
    head_.assign(head.substr(std::min(sent, head.size())));
    body_sent_ = sent - std::min(sent, head.size());
    body_ = std::move(body);
    await_writable();
  }

  void read_rest() {
    while (events_ != nullptr && read_control() > 0) {
    }
  }

  void drain_logs() {
    pollfd ready[] = {{descriptor(out_), POLLIN, 0}, {descriptor(err_), POLLIN, 0}};
    if (::poll(ready, 2, 0) <= 0) {
      return;
    }
    if ((ready[0].revents & POLLIN) != 0) {
      drain(out_, model::LogStream::kOut);
    }
    if ((ready[1].revents & POLLIN) != 0) {
      drain(err_, model::LogStream::kErr);
    }
  }

  LogCapture& capture() { return capture_; }

 private:
  static Result<void> adopt(Descriptor& descriptor, UniqueFd& fd) {
    if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) {
      return base::io_error("channel", errno);
    }
    boost::system::error_code error;
    descriptor.assign(fd.get(), error);
    if (error) {
      return Error{base::ErrorCode::kIo, "channel: " + error.message()};
    }
    std::ignore = fd.release();
    return {};
  }

  // poll() skips a closed descriptor, which is -1.
  static int descriptor(Descriptor& descriptor) {
    return descriptor.is_open() ? descriptor.native_handle() : -1;
  }

  void await_control() {
    control_.async_wait(Descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error) {
                            self->on_control_readable();
                          }
                        });
  }

  void on_control_readable() {
    for (int reads = 0; reads < kControlReadsPerTurn && events_ != nullptr; ++reads) {
      if (read_control() < buffers_->control.size()) {
        break;
      }
    }
    if (events_ != nullptr && !control_done_) {
      await_control();
    }
  }

  // One read. How many bytes it brought.
  std::size_t read_control() {
    if (control_done_) {
      return 0;
    }
    auto& buffer = buffers_->control;
    const ssize_t got = ::recv(descriptor(control_), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && would_block(errno)) {
      return 0;
    }
    if (got <= 0) {
      control_done_ = true;
      events_->channel_ended(reader_.mid_frame());
      return 0;
    }
    deliver({buffer.data(), static_cast<std::size_t>(got)});
    return static_cast<std::size_t>(got);
  }

  void deliver(std::string_view bytes) {
    while (!bytes.empty() && events_ != nullptr) {
      auto frame = reader_.read(bytes);
      if (!frame) {
        control_done_ = true;
        events_->channel_failed(frame.error());
        return;
      }
      if (*frame) {
        events_->frame_received(std::move(**frame), !bytes.empty());
      }
    }
  }

  // Returns how much was taken: all of it, less when the socket is full or broken.
  std::size_t write_some(std::string_view head, std::string_view body) {
    // sendmsg does not write through the pointers.
    iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                     {const_cast<char*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    const ssize_t sent = ::sendmsg(descriptor(control_), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      return static_cast<std::size_t>(sent);
    }
    broken_ = !would_block(errno);
    return 0;
  }

  void await_writable() {
    if (broken_) {  // the reading side says how it ended
      return;
    }
    control_.async_wait(Descriptor::wait_write,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error && self->events_ != nullptr) {
                            self->on_writable();
                          }
                        });
  }

  void on_writable() {
    const std::string_view rest = body_ ? std::string_view(*body_).substr(body_sent_) : std::string_view();
    const std::size_t sent = write_some(head_, rest);
    const std::size_t of_head = std::min(sent, head_.size());
    head_.erase(0, of_head);
    body_sent_ += sent - of_head;
    if (head_.empty() && (!body_ || body_sent_ == body_->size())) {
      body_.reset();
      return;
    }
    await_writable();
  }

  void await_log(Descriptor& pipe, model::LogStream stream) {
    pipe.async_wait(Descriptor::wait_read,
                    [self = shared_from_this(), &pipe, stream](const boost::system::error_code& error) {
                      if (!error && self->events_ != nullptr && self->read_log(pipe, stream) >= 0) {
                        self->await_log(pipe, stream);
                      }
                    });
  }

  // One read. How many bytes it brought, 0 when there are none now, -1 at the pipe's end.
  ssize_t read_log(Descriptor& pipe, model::LogStream stream) {
    auto& buffer = buffers_->log;
    const ssize_t got = ::read(descriptor(pipe), buffer.data(), buffer.size());
    if (got > 0) {
      capture_.add(stream, {buffer.data(), static_cast<std::size_t>(got)});
      return got;
    }
    return got < 0 && would_block(errno) ? 0 : -1;
  }

  void drain(Descriptor& pipe, model::LogStream stream) {
    ssize_t got = 0;
    for (std::size_t total = 0; total < kMaxPipeBytes; total += static_cast<std::size_t>(got)) {
      got = read_log(pipe, stream);
      if (got < static_cast<ssize_t>(buffers_->log.size())) {
        return;
      }
    }
  }

  std::shared_ptr<ReadBuffers> buffers_;
  Events* events_;  // null once closed
  Descriptor control_;
  Descriptor out_;
  Descriptor err_;
  protocol::FrameReader reader_;
  LogCapture capture_;
  bool control_done_ = false;  // nothing more is read from the socket
  bool broken_ = false;        // nothing more can be written to it
  // What the socket did not take yet of the frame being sent.
  std::string head_;
  std::shared_ptr<const std::string> body_;
  std::size_t body_sent_ = 0;
};

InstanceChannel::InstanceChannel(boost::asio::io_context& context, std::shared_ptr<ReadBuffers> buffers,
                                 const model::InvocationLimits& limits, Events& events)
    : impl_(std::make_shared<Impl>(context, std::move(buffers), limits, events)) {}

InstanceChannel::~InstanceChannel() { impl_->close(); }

Result<InstanceChannel::FarEnds> InstanceChannel::open() { return impl_->open(); }

void InstanceChannel::start_reading() { impl_->start_reading(); }

void InstanceChannel::send(std::string_view head, std::shared_ptr<const std::string> body) {
  impl_->send(head, std::move(body));
}

void InstanceChannel::read_rest() {
  const auto impl = impl_;  // an event may destroy the channel
  impl->read_rest();
}

model::CapturedLogs InstanceChannel::take_logs() {
  impl_->drain_logs();
  return impl_->capture().take();
}

bool InstanceChannel::err_contains(std::string_view text) {
  impl_->drain_logs();
  return impl_->capture().err_contains(text);
}

}  // namespace hearth::worker
