#include "worker/instance_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "worker/log_capture.h"

namespace hearth::worker {
namespace {

using base::Error;
using base::Result;
using base::UniqueFd;
using Descriptor = boost::asio::posix::stream_descriptor;

// Reads of the answers in one turn of the loop, so that a flood leaves the loop to others.
constexpr int kReadsPerTurn = 4;
// The most a pipe can hold (/proc/sys/fs/pipe-max-size): after that many bytes everything written
// before the read began has been read.
constexpr std::size_t kMaxPipeBytes = base::kMiB;
// Of one packet: PIPE_BUF, pipe(7).
constexpr std::size_t kPacketBytes = 4'096;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) {
    return base::io_error("pipe", errno);
  }
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// For what is larger than a new pipe holds. Not given when the user's pipes hold too much already.
void grow(int fd) { std::ignore = ::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(kMaxPipeBytes)); }

}  // namespace

class InstanceChannel::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(boost::asio::io_context& context, std::shared_ptr<ReadBuffers> buffers,
       const model::InvocationLimits& limits, Events& events)
      : buffers_(std::move(buffers)),
        events_(&events),
        requests_(context),
        answers_(context),
        out_(context),
        err_(context),
        reader_(limits.response_bytes),
        capture_(limits.log_bytes) {}

  Result<FarEnds> open() {
    auto requests = make_pipe();
    auto answers = make_pipe();
    auto out = make_pipe();
    auto err = make_pipe();
    for (const auto* pipe : {&requests, &answers, &out, &err}) {
      if (!*pipe) {
        return pipe->error();
      }
    }
    // Another open file description of the reading end, as ours must not block.
    const std::string path = "/proc/self/fd/" + std::to_string(requests->reading.get());
    back_.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    for (auto [descriptor, fd] :
         {std::pair(&requests_, &requests->writing), std::pair(&answers_, &answers->reading),
          std::pair(&out_, &out->reading), std::pair(&err_, &err->reading)}) {
      if (auto adopted = adopt(*descriptor, *fd); !adopted) {
        return adopted.error();
      }
    }
    return FarEnds{std::move(requests->reading), std::move(out->writing), std::move(err->writing),
                   std::move(answers->writing)};
  }

  void start_reading() {
    await_answers();
    await_log(out_, model::LogStream::kOut);
    await_log(err_, model::LogStream::kErr);
  }

  void close() {
    events_ = nullptr;
    boost::system::error_code ignored;
    requests_.close(ignored);
    answers_.close(ignored);
    out_.close(ignored);
    err_.close(ignored);
    back_.reset();
    body_.reset();
  }

  void send(std::string_view head, std::shared_ptr<const std::string> body) {
    const std::size_t total = head.size() + (body ? body->size() : 0);
    send_as_packet(total <= kPacketBytes);
    const std::size_t sent = write_some(head, body ? std::string_view(*body) : std::string_view());
    if (sent == total) {
      return;
    }
    head_.assign(head.substr(std::min(sent, head.size())));
    body_sent_ = sent - std::min(sent, head.size());
    body_ = std::move(body);
    grow(descriptor(requests_));
    await_writable();
  }

  bool takes_more() const { return packets_ && back_.valid() && !broken_ && head_.empty() && !body_; }

  std::vector<std::uint64_t> take_back() {
    std::vector<std::uint64_t> calls;
    if (!takes_more()) {
      return calls;
    }
    auto& buffer = buffers_->answers;
    ssize_t got = 0;
    while ((got = ::read(back_.get(), buffer.data(), buffer.size())) > 0) {
      calls.push_back(protocol::call_of({buffer.data(), static_cast<std::size_t>(got)}));
    }
    return calls;
  }

  void send_soon(std::string_view head, const std::string& body) {
    head_.append(head).append(body);
    if (!std::exchange(flushing_, true)) {
      boost::asio::post(requests_.get_executor(), [self = shared_from_this()] {
        if (self->events_ != nullptr) {
          self->on_writable();
        }
      });
    }
  }

  void read_rest() {
    while (events_ != nullptr && read_answers() > 0) {
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

  // A pipe keeps packets apart, each in a page of its own; larger frames flow.
  void send_as_packet(bool packet) {
    if (packet != packets_) {
      packets_ = ::fcntl(descriptor(requests_), F_SETFL, O_NONBLOCK | (packet ? O_DIRECT : 0)) == 0 && packet;
    }
  }

  void await_answers() {
    answers_.async_wait(Descriptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          if (!error) {
                            self->on_answers_readable();
                          }
                        });
  }

  void on_answers_readable() {
    for (int reads = 0; reads < kReadsPerTurn && events_ != nullptr; ++reads) {
      if (read_answers() < buffers_->answers.size()) {
        break;
      }
    }
    if (events_ != nullptr && !answers_done_) {
      await_answers();
    }
  }

  // One read. How many bytes it brought.
  std::size_t read_answers() {
    if (answers_done_) {
      return 0;
    }
    auto& buffer = buffers_->answers;
    const ssize_t got = ::read(descriptor(answers_), buffer.data(), buffer.size());
    if (got < 0 && would_block(errno)) {
      return 0;
    }
    if (got <= 0) {
      answers_done_ = true;
      events_->channel_ended(reader_.mid_frame());
      return 0;
    }
    const bool filled = static_cast<std::size_t>(got) == buffer.size();
    if (filled && !std::exchange(answers_grown_, true)) {
      grow(descriptor(answers_));
    }
    deliver({buffer.data(), static_cast<std::size_t>(got)});
    return static_cast<std::size_t>(got);
  }

  void deliver(std::string_view bytes) {
    while (!bytes.empty() && events_ != nullptr) {
      auto frame = reader_.read(bytes);
      if (!frame) {
        answers_done_ = true;
        events_->channel_failed(frame.error());
        return;
      }
      if (*frame) {
        events_->frame_received(std::move(**frame), !bytes.empty());
      }
    }
  }

  // Returns how much was taken: all of it, less when the pipe is full or broken.
  std::size_t write_some(std::string_view head, std::string_view body) {
    // writev does not write through the pointers.
    iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                     {const_cast<char*>(body.data()), body.size()}};
    const ssize_t sent = ::writev(descriptor(requests_), parts, 2);
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
    requests_.async_wait(Descriptor::wait_write,
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
      flushing_ = false;
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
  Descriptor requests_;
  UniqueFd back_;         // reads from the other end of requests_
  bool packets_ = false;  // what was sent last, and so what may lie in the pipe
  Descriptor answers_;
  Descriptor out_;
  Descriptor err_;
  protocol::FrameReader reader_;
  LogCapture capture_;
  bool answers_done_ = false;  // nothing more is read from them
  bool answers_grown_ = false;
  bool broken_ = false;  // nothing more can be written
  // What the pipe did not take yet of the frame being sent.
  std::string head_;
  std::shared_ptr<const std::string> body_;
  std::size_t body_sent_ = 0;
  bool flushing_ = false;  // head_ goes out at the end of this turn, or as the pipe takes it
};

InstanceChannel::InstanceChannel(boost::asio::io_context& context, std::shared_ptr<ReadBuffers> buffers,
                                 const model::InvocationLimits& limits, Events& events)
    : impl_(std::make_shared<Impl>(context, std::move(buffers), limits, events)) {}

InstanceChannel::~InstanceChannel() { impl_->close(); }

bool InstanceChannel::takes_more() const { return impl_->takes_more(); }

std::vector<std::uint64_t> InstanceChannel::take_back() { return impl_->take_back(); }

Result<InstanceChannel::FarEnds> InstanceChannel::open() { return impl_->open(); }

void InstanceChannel::start_reading() { impl_->start_reading(); }

void InstanceChannel::send(std::string_view head, std::shared_ptr<const std::string> body) {
  impl_->send(head, std::move(body));
}

void InstanceChannel::send_soon(std::string_view head, const std::string& body) {
  impl_->send_soon(head, body);
}

void InstanceChannel::read_rest() {
  const auto impl = impl_;  // an event may destroy the channel
  impl->read_rest();
}

model::CapturedLogs InstanceChannel::take_logs() {
  impl_->drain_logs();
  return impl_->capture().take();
}

model::CapturedLogs InstanceChannel::take_captured() { return impl_->capture().take(); }

bool InstanceChannel::err_contains(std::string_view text) {
  impl_->drain_logs();
  return impl_->capture().err_contains(text);
}

}  // namespace hearth::worker
