#include "launcher/client.h"

#include <sys/socket.h>

#include <array>
#include <bit>
#include <cerrno>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "base/log.h"
#include "base/reactor.h"
#include "launcher/codec.h"
#include "launcher/packet.h"

namespace hearth::launcher {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

// Notices handled before the loop's other work has its turn.
constexpr int kNoticesPerTurn = 32;

// Nothing when a descriptor was lost for want of a number: which it was cannot be told.
sandbox::Control take_control(PacketReceiver& packet, std::uint8_t present) {
  sandbox::Control control;
  const auto descriptors = packet.descriptors();
  if (packet.descriptors_lost() || descriptors.size() != static_cast<std::size_t>(std::popcount(present))) {
    return control;
  }
  if ((present & kFreezerPresent) != 0) {
    control.freezer = std::move(descriptors.front());
  }
  if ((present & kMemoryPresent) != 0) {
    control.memory = std::move(descriptors.back());
  }
  return control;
}

// The descriptors that are there, in the order of DescriptorSlot.
struct Outgoing {
  std::array<int, kMaxDescriptors> numbers{};
  std::size_t count = 0;
  std::uint8_t present = 0;
};

Outgoing outgoing(const sandbox::Descriptors& descriptors) {
  Outgoing out;
  const std::array<const base::UniqueFd*, kMaxDescriptors> slots = {&descriptors.code_folder,
                                                                    &descriptors.requests, &descriptors.out,
                                                                    &descriptors.err, &descriptors.answers};
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if (slots[slot]->valid()) {
      out.numbers[out.count++] = slots[slot]->get();
      out.present = static_cast<std::uint8_t>(out.present | (1U << slot));
    }
  }
  return out;
}

}  // namespace

// What the loop's handlers keep alive. `closed_` is set when the client is gone: handlers that are
// still on the loop do nothing then.
class Client::Link : public std::enable_shared_from_this<Link> {
 public:
  Link(base::Reactor& reactor, base::UniqueFd socket, LostHandler on_lost)
      : reactor_(reactor), socket_(std::move(socket)), on_lost_(std::move(on_lost)) {}

  void start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done);
  void assign(const std::string& name, const sandbox::Limits& limits, base::UniqueFd code_folder,
              AssignDone done);
  void set_limits(const std::string& name, const sandbox::Limits& limits);
  void remove(const std::string& name);
  void on_exit(ExitHandler handler) { on_exit_ = std::move(handler); }
  // The watch holds this object until close(), or the launcher's loss.
  void watch();
  void close();

 private:
  struct Sandbox {
    StartDone done;       // empty once started
    AssignDone assigned;  // of an assignment that is under way
    bool removing = false;
  };
  struct Queued {
    std::string bytes;
    sandbox::Descriptors descriptors;
    std::string starts;   // the sandbox that this starts, if it does
    std::string assigns;  // the one that it gives its code, if it does
  };

  template <typename Done>
  void refuse(Done done, Error error);
  void send(Queued request);
  // False when the socket takes no more for now.
  bool transmit(const Queued& request);
  void flush();
  void receive();
  void handle(const Notice& notice);
  void start_ended(const std::string& name, Result<sandbox::Control> result);
  void assign_ended(const std::string& name, const Result<void>& result);
  static Error behind();
  void exited(const sandbox::Exit& exit);
  void lose(Error error);
  void report_loss();

  base::Reactor& reactor_;
  base::UniqueFd socket_;
  base::Reactor::Watch watch_;
  LostHandler on_lost_;
  ExitHandler on_exit_;
  PacketReceiver receiver_;
  std::map<std::string, Sandbox> sandboxes_;
  std::deque<Queued> queue_;
  std::optional<Error> lost_;
  bool closed_ = false;
};

template <typename Done>
void Client::Link::refuse(Done done, Error error) {
  reactor_.post([self = shared_from_this(), done = std::move(done), error = std::move(error)] {
    if (!self->closed_) {
      done(error);
    }
  });
}

void Client::Link::start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done) {
  if (lost_) {
    return refuse(std::move(done), *lost_);
  }
  if (sandboxes_.contains(spec.name)) {
    return refuse(std::move(done), {ErrorCode::kAlreadyExists, "sandbox " + spec.name + " lives already"});
  }
  if (queue_.size() >= kMaxQueuedRequests) {
    return refuse(std::move(done), behind());
  }
  std::string name = spec.name;
  Result<std::string> bytes = encode(StartRequest{std::move(spec), outgoing(descriptors).present});
  if (!bytes) {
    return refuse(std::move(done), bytes.error());
  }
  sandboxes_.emplace(name, Sandbox{std::move(done), nullptr, false});
  send({std::move(bytes).value(), std::move(descriptors), std::move(name), {}});
}

Error Client::Link::behind() {
  return {ErrorCode::kExhausted,
          "the launcher is behind by its bound of " + std::to_string(kMaxQueuedRequests) + " requests"};
}

void Client::Link::assign(const std::string& name, const sandbox::Limits& limits, base::UniqueFd code_folder,
                          AssignDone done) {
  if (lost_) {
    return refuse(std::move(done), *lost_);
  }
  const auto found = sandboxes_.find(name);
  if (found == sandboxes_.end() || found->second.done) {
    return refuse(std::move(done), {ErrorCode::kNotFound, "no sandbox " + name + " lives"});
  }
  if (found->second.assigned) {
    return refuse(std::move(done),
                  {ErrorCode::kAlreadyExists, "sandbox " + name + " is being assigned already"});
  }
  Result<std::string> bytes = encode(AssignRequest{name, limits});
  if (!bytes || queue_.size() >= kMaxQueuedRequests) {
    return refuse(std::move(done), bytes ? behind() : bytes.error());
  }
  found->second.assigned = std::move(done);
  sandbox::Descriptors descriptors;
  descriptors.code_folder = std::move(code_folder);
  send({std::move(bytes).value(), std::move(descriptors), {}, name});
}

void Client::Link::set_limits(const std::string& name, const sandbox::Limits& limits) {
  if (lost_ || !sandboxes_.contains(name)) {
    return;
  }
  if (queue_.size() >= kMaxQueuedRequests) {
    spdlog::warn("sandbox {}: limits not set, the launcher is behind by its bound of {} requests", name,
                 kMaxQueuedRequests);
    return;
  }
  if (Result<std::string> bytes = encode(SetLimitsRequest{name, limits})) {
    send({std::move(bytes).value(), {}, {}, {}});
  }
}

void Client::Link::remove(const std::string& name) {
  const auto found = sandboxes_.find(name);
  if (lost_ || found == sandboxes_.end() || std::exchange(found->second.removing, true)) {
    return;
  }
  if (Result<std::string> bytes = encode(RemoveRequest{name})) {
    send({std::move(bytes).value(), {}, {}, {}});
  }
}

void Client::Link::send(Queued request) {
  if (!queue_.empty() || !transmit(request)) {
    queue_.push_back(std::move(request));
  }
}

bool Client::Link::transmit(const Queued& request) {
  const Outgoing out = outgoing(request.descriptors);
  const int failure =
      send_packet(socket_.get(), request.bytes, std::span(out.numbers).first(out.count), MSG_DONTWAIT);
  if (failure == EAGAIN) {
    return false;
  }
  const bool has_done = !request.starts.empty() || !request.assigns.empty();
  if (failure == EPIPE || failure == ECONNRESET || (failure != 0 && !has_done)) {
    lose(base::io_error("the launcher cannot be reached", failure));
  } else if (failure != 0) {
    reactor_.post([self = shared_from_this(), starts = request.starts, assigns = request.assigns,
                   error = base::io_error("the request cannot be sent to the launcher", failure)] {
      self->start_ended(starts, error);
      self->assign_ended(assigns, error);
    });
  }
  return true;
}

void Client::Link::flush() {
  while (!lost_ && !closed_ && !queue_.empty()) {
    if (!transmit(queue_.front())) {
      return;  // until the socket is writable again
    }
    if (!lost_) {
      queue_.pop_front();
    }
  }
}

void Client::Link::watch() {
  watch_ = reactor_.watch(socket_.get(), [self = shared_from_this()](base::Readiness ready) {
    if (ready.writable) {
      self->flush();
    }
    if (ready.readable || ready.ended) {
      self->receive();
    }
  });
}

void Client::Link::receive() {
  for (int i = 0; i < kNoticesPerTurn && !closed_ && !lost_; ++i) {
    const auto outcome = receiver_.receive(socket_.get(), MSG_DONTWAIT);
    if (!outcome) {
      return lose(outcome.error());
    }
    if (*outcome == PacketReceiver::Outcome::kEnd) {
      return lose({ErrorCode::kIo, "the launcher has ended"});
    }
    if (*outcome == PacketReceiver::Outcome::kNothing) {
      return;
    }
    const Result<Notice> notice = decode_notice(receiver_.bytes());
    if (!notice) {
      return lose(notice.error());
    }
    handle(*notice);
  }
  // Perhaps there are more: the edge that told of them has been used up.
  if (!closed_ && !lost_) {
    reactor_.post([self = shared_from_this()] { self->receive(); });
  }
}

void Client::Link::handle(const Notice& notice) {
  if (const auto* started = std::get_if<Started>(&notice)) {
    start_ended(started->name, take_control(receiver_, started->present));
  } else if (const auto* refused = std::get_if<NotStarted>(&notice)) {
    start_ended(refused->name, refused->error);
  } else if (const auto* assigned = std::get_if<Assigned>(&notice)) {
    assign_ended(assigned->name, {});
  } else if (const auto* not_assigned = std::get_if<NotAssigned>(&notice)) {
    assign_ended(not_assigned->name, not_assigned->error);
  } else if (const auto* exit = std::get_if<Exited>(&notice)) {
    exited(exit->exit);
  } else if (const auto* limits = std::get_if<LimitsRefused>(&notice)) {
    spdlog::warn("sandbox {}: limits not set: {}", limits->name, limits->error.message);
  } else {
    lose({ErrorCode::kCorrupt, "the launcher says that it is ready in the middle of its work"});
  }
}

void Client::Link::start_ended(const std::string& name, Result<sandbox::Control> result) {
  const auto found = sandboxes_.find(name);
  if (closed_ || found == sandboxes_.end() || !found->second.done) {
    return;  // reported already, with the loss of the launcher
  }
  const StartDone done = std::exchange(found->second.done, nullptr);
  if (!result) {
    sandboxes_.erase(found);
  }
  done(std::move(result));
}

void Client::Link::assign_ended(const std::string& name, const Result<void>& result) {
  const auto found = sandboxes_.find(name);
  if (closed_ || found == sandboxes_.end() || !found->second.assigned) {
    return;  // reported already, with the end of the sandbox or the loss of the launcher
  }
  std::exchange(found->second.assigned, nullptr)(result);
}

void Client::Link::exited(const sandbox::Exit& exit) {
  assign_ended(exit.name, Error{ErrorCode::kNotFound, "the sandbox has ended"});
  if (sandboxes_.erase(exit.name) == 1 && on_exit_) {
    on_exit_(exit);
  }
}

void Client::Link::lose(Error error) {
  if (lost_ || closed_) {
    return;
  }
  lost_ = std::move(error);
  watch_.stop();
  socket_.reset();
  reactor_.post([self = shared_from_this()] { self->report_loss(); });
}

void Client::Link::report_loss() {
  queue_.clear();
  const auto sandboxes = std::exchange(sandboxes_, {});
  for (const auto& [name, sandbox] : sandboxes) {
    if (!closed_ && sandbox.done) {
      sandbox.done(*lost_);
    }
    if (!closed_ && sandbox.assigned) {
      sandbox.assigned(*lost_);
    }
  }
  for (const auto& [name, sandbox] : sandboxes) {
    if (!closed_ && !sandbox.done && on_exit_) {
      on_exit_({.name = name, .reason = sandbox::ExitReason::kSignaled, .code = SIGKILL});
    }
  }
  if (!closed_ && on_lost_) {
    on_lost_(*lost_);
  }
}

void Client::Link::close() {
  closed_ = true;
  queue_.clear();
  watch_.stop();
  socket_.reset();
}

Client::Client(base::Reactor& reactor, base::UniqueFd socket, LostHandler on_lost)
    : link_(std::make_shared<Link>(reactor, std::move(socket), std::move(on_lost))) {
  link_->watch();
}

Client::~Client() { link_->close(); }

void Client::start(sandbox::Spec spec, sandbox::Descriptors descriptors, StartDone done) {
  link_->start(std::move(spec), std::move(descriptors), std::move(done));
}

void Client::assign(const std::string& name, const sandbox::Limits& limits, base::UniqueFd code_folder,
                    AssignDone done) {
  link_->assign(name, limits, std::move(code_folder), std::move(done));
}

void Client::set_limits(const std::string& name, const sandbox::Limits& limits) {
  link_->set_limits(name, limits);
}

void Client::remove(const std::string& name) { link_->remove(name); }

void Client::on_exit(ExitHandler handler) { link_->on_exit(std::move(handler)); }

}  // namespace hearth::launcher
