#include "worker/instance_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/reactor.h"
#include "worker/log_capture.h"

namespace hearth::worker {
namespace {

using base::Error;
using base::Result;
using base::UniqueFd;

// Reads of the answers in one turn of the loop, so that a flood leaves the loop to others.
constexpr int kReadsPerTurn = 4;
// The most a pipe can hold (/proc/sys/fs/pipe-max-size): after that many bytes everything written
// before the read began has been read.
constexpr std::size_t kMaxPipeBytes = base::kMiB;
constexpr std::size_t kNewPipeBytes = 64 * base::kKiB;
// Frames that share a write. More would have the instance wait for the whole turn, and then the loop for the
// instance, one after the other instead of side by side.
constexpr int kFramesPerWrite = 8;
// The same for an instance that has nothing to do until they come.
constexpr int kFramesOfFirstWrite = 4;
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
void make_small(int fd) { std::ignore = ::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(kNewPipeBytes)); }

}  // namespace

class InstanceChannel::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(base::Reactor& reactor, std::shared_ptr<ReadBuffers> buffers, const model::InvocationLimits& limits,
       Events& events)
      : reactor_(reactor),
        buffers_(std::move(buffers)),
        events_(&events),
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
    for (auto [ours, fd] :
         {std::pair(&requests_, &requests->writing), std::pair(&answers_, &answers->reading),
          std::pair(&out_.fd, &out->reading), std::pair(&err_.fd, &err->reading)}) {
      if (::fcntl(fd->get(), F_SETFL, O_NONBLOCK) != 0) {
        return base::io_error("channel", errno);
      }
      *ours = std::move(*fd);
    }
    return FarEnds{std::move(requests->reading), std::move(out->writing), std::move(err->writing),
                   std::move(answers->writing)};
  }

  // The watches hold this object until close().
  void start_reading() {
    const auto self = shared_from_this();
    answers_watch_ = reactor_.watch(answers_.get(), [self](base::Readiness ready) {
      self->answers_end_told_ = self->answers_end_told_ || ready.ended;
      self->on_answers_readable();
    });
    requests_watch_ = reactor_.watch(requests_.get(), [self](base::Readiness) { self->on_writable(); });
    for (LogPipe* pipe : {&out_, &err_}) {
      pipe->watch = reactor_.watch(pipe->fd.get(), [self, pipe](base::Readiness) { self->on_log(*pipe); });
    }
  }

  void close() {
    events_ = nullptr;
    answers_watch_.stop();
    requests_watch_.stop();
    out_.watch.stop();
    err_.watch.stop();
    requests_.reset();
    answers_.reset();
    out_.fd.reset();
    err_.fd.reset();
    back_.reset();
    body_.reset();
  }

  void send(std::string_view head, std::shared_ptr<const std::string> body) {
    expect(1);
    const std::size_t total = head.size() + (body ? body->size() : 0);
    send_as_packet(total <= kPacketBytes);
    const std::size_t sent = write_some(head, body ? std::string_view(*body) : std::string_view());
    if (sent == total) {
      return;
    }
    head_.assign(head.substr(std::min(sent, head.size())));
    body_sent_ = sent - std::min(sent, head.size());
    body_ = std::move(body);
    grow(requests_.get());
    requests_grown_ = true;
  }

  void shrink() {
    if (std::exchange(requests_grown_, false)) {
      make_small(requests_.get());
    }
    if (std::exchange(answers_grown_, false)) {
      make_small(answers_.get());
    }
  }

  void expect_compiled(std::uint64_t most_bytes) { reader_.expect_compiled(most_bytes); }

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
    expect(-static_cast<int>(calls.size()));
    return calls;
  }

  void send_soon(std::string_view head, const std::string& body) {
    expect(1);
    head_.append(head).append(body);
    const bool has_none = expected_ == ++gathered_;
    if (gathered_ >= (has_none ? kFramesOfFirstWrite : kFramesPerWrite)) {
      on_writable();
    } else if (!std::exchange(flushing_, true)) {
      reactor_.post([self = shared_from_this()] { self->on_writable(); });
    }
  }

  void read_rest() {
    while (events_ != nullptr && read_answers() > 0) {
    }
  }

  void drain_logs() {
    pollfd ready[] = {{out_.fd.get(), POLLIN, 0}, {err_.fd.get(), POLLIN, 0}};
    if (::poll(ready, 2, 0) <= 0) {
      return;
    }
    if ((ready[0].revents & POLLIN) != 0) {
      drain(out_);
    }
    if ((ready[1].revents & POLLIN) != 0) {
      drain(err_);
    }
  }

  LogCapture& capture() { return capture_; }

 private:
  struct LogPipe {
    model::LogStream stream;
    UniqueFd fd;
    base::Reactor::Watch watch;
  };

  // So many more answers are to come. With a second call at hand the instance works on while this loop is
  // busy with others, and has an answer soon.
  void expect(int answers) {
    expected_ = std::max(0, expected_ + answers);
    answers_watch_.look_between(expected_ >= 2);
  }

  // A pipe keeps packets apart, each in a page of its own; larger frames flow.
  void send_as_packet(bool packet) {
    if (packet != packets_) {
      packets_ = ::fcntl(requests_.get(), F_SETFL, O_NONBLOCK | (packet ? O_DIRECT : 0)) == 0 && packet;
    }
  }

  // A short read leaves nothing behind but the end: the next edge tells of more.
  void on_answers_readable() {
    bool more = true;
    for (int reads = 0; reads < kReadsPerTurn && more; ++reads) {
      more = read_answers() == buffers_->answers.size() || answers_end_told_;
      more = more && events_ != nullptr && !answers_done_;
    }
    if (more) {
      reactor_.post([self = shared_from_this()] { self->on_answers_readable(); });
    }
  }

  // One read. How many bytes it brought.
  std::size_t read_answers() {
    if (answers_done_ || events_ == nullptr) {
      return 0;
    }
    auto& buffer = buffers_->answers;
    const ssize_t got = ::read(answers_.get(), buffer.data(), buffer.size());
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
      grow(answers_.get());
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
        expect((*frame)->type == protocol::FrameType::kLog ? 0 : -1);
        events_->frame_received(std::move(**frame), !bytes.empty());
      }
    }
  }

  // Returns how much was taken: all of it, less when the pipe is full or broken.
  std::size_t write_some(std::string_view head, std::string_view body) {
    // writev does not write through the pointers.
    iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                     {const_cast<char*>(body.data()), body.size()}};
    const ssize_t sent = ::writev(requests_.get(), parts, 2);
    if (sent >= 0) {
      return static_cast<std::size_t>(sent);
    }
    broken_ = !would_block(errno);
    return 0;
  }

  // The pipe takes bytes, or it is the end of a turn in which frames were gathered.
  void on_writable() {
    flushing_ = false;
    gathered_ = 0;
    if (events_ == nullptr || broken_ || (head_.empty() && !body_)) {
      return;
    }
    const std::string_view rest = body_ ? std::string_view(*body_).substr(body_sent_) : std::string_view();
    const std::size_t sent = write_some(head_, rest);
    const std::size_t of_head = std::min(sent, head_.size());
    head_.erase(0, of_head);
    body_sent_ += sent - of_head;
    if (head_.empty() && (!body_ || body_sent_ == body_->size())) {
      body_.reset();
    }
  }

  // One read at a time, so that a flood leaves the loop to others.
  void on_log(LogPipe& pipe) {
    if (events_ != nullptr && read_log(pipe) == static_cast<ssize_t>(buffers_->log.size())) {
      reactor_.post([self = shared_from_this(), &pipe] { self->on_log(pipe); });
    }
  }

  // One read. How many bytes it brought, 0 when there are none now, -1 at the pipe's end.
  ssize_t read_log(LogPipe& pipe) {
    auto& buffer = buffers_->log;
    const ssize_t got = ::read(pipe.fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      capture_.add(pipe.stream, {buffer.data(), static_cast<std::size_t>(got)});
      return got;
    }
    return got < 0 && would_block(errno) ? 0 : -1;
  }

  void drain(LogPipe& pipe) {
    ssize_t got = 0;
    for (std::size_t total = 0; total < kMaxPipeBytes; total += static_cast<std::size_t>(got)) {
      got = read_log(pipe);
      if (got < static_cast<ssize_t>(buffers_->log.size())) {
        return;
      }
    }
  }

  base::Reactor& reactor_;
  std::shared_ptr<ReadBuffers> buffers_;
  Events* events_;  // null once closed
  UniqueFd requests_;
  UniqueFd back_;         // reads from the other end of requests_
  bool packets_ = false;  // what was sent last, and so what may lie in the pipe
  UniqueFd answers_;
  base::Reactor::Watch requests_watch_;
  base::Reactor::Watch answers_watch_;
  LogPipe out_{model::LogStream::kOut, {}, {}};
  LogPipe err_{model::LogStream::kErr, {}, {}};
  protocol::FrameReader reader_;
  LogCapture capture_;
  int expected_ = 0;  // answers to what was sent
  bool answers_end_told_ = false;
  bool answers_done_ = false;  // nothing more is read from them
  bool answers_grown_ = false;
  bool requests_grown_ = false;
  bool broken_ = false;  // nothing more can be written
  // What the pipe did not take yet of the frame being sent.
  std::string head_;
  std::shared_ptr<const std::string> body_;
  std::size_t body_sent_ = 0;
  int gathered_ = 0;       // frames in head_
  bool flushing_ = false;  // head_ goes out at the end of this turn, or as the pipe takes it
};

InstanceChannel::InstanceChannel(base::Reactor& reactor, std::shared_ptr<ReadBuffers> buffers,
                                 const model::InvocationLimits& limits, Events& events)
    : impl_(std::make_shared<Impl>(reactor, std::move(buffers), limits, events)) {}

InstanceChannel::~InstanceChannel() { impl_->close(); }

void InstanceChannel::shrink() { impl_->shrink(); }

void InstanceChannel::expect_compiled(std::uint64_t most_bytes) { impl_->expect_compiled(most_bytes); }

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
