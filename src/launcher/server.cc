#include "launcher/server.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <utility>

#include "launcher/codec.h"

namespace hearth::launcher {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;

constexpr milliseconds kCollectPeriod{sandbox::kCollectPeriodMs};
// The backend says when an end begins, not for how long it goes on: after a sandbox has ended by
// itself it is asked often for this long, and from then on every kIdleCollectPeriod.
constexpr milliseconds kSettlePeriod{1'000};
constexpr milliseconds kIdleCollectPeriod{1'000};
// When nothing has been asked for this long the backend does a piece of work for later starts: not between
// the requests of a burst, which would wait for it.
constexpr int kQuietMs = 2;
constexpr int kForever = -1;
constexpr int kNoSocket = -1;

}  // namespace

Server::Server(sandbox::Backend& backend, ServerOptions options)
    : backend_(backend), options_(std::move(options)) {}

Result<void> Server::run(base::UniqueFd socket) {
  socket_ = std::move(socket);
  Result<void> served = serve();
  socket_.reset();
  Result<void> removed = remove_all();
  return served.ok() ? removed : served;
}

Result<void> Server::serve() {
  while (true) {
    if (!wait(socket_.get())) {
      continue;
    }
    Result<bool> more = receive_one();
    if (!more) {
      return more.error();
    }
    if (!*more) {
      return {};
    }
  }
}

Result<bool> Server::receive_one() {
  const auto outcome = receiver_.receive(socket_.get(), 0);
  if (!outcome) {
    return outcome.error();
  }
  if (*outcome == PacketReceiver::Outcome::kEnd) {
    return false;
  }
  Result<Request> request = decode_request(receiver_.bytes());
  if (!request) {
    return request.error();
  }
  const Result<void> handled = std::visit([this](auto& message) { return handle(message); }, *request);
  if (!handled) {
    return handled.error();
  }
  return true;
}

// An error of handle() is the packet's and ends the connection; one of start() is told to the peer.
Result<void> Server::handle(StartRequest& request) {
  Result<sandbox::Descriptors> descriptors = take_descriptors(request.present);
  if (!descriptors && descriptors.error().code == ErrorCode::kCorrupt) {
    return descriptors.error();
  }
  const Result<void> started =
      descriptors ? start(request.spec, std::move(descriptors).value()) : Result<void>(descriptors.error());
  if (started) {
    living_.emplace(request.spec.name, Living{});
    notify_started(std::move(request.spec.name));
  } else {
    notify(NotStarted{std::move(request.spec.name), started.error()});
  }
  return {};
}

Result<sandbox::Descriptors> Server::take_descriptors(std::uint8_t present) {
  const auto received = receiver_.descriptors();
  if (receiver_.descriptors_lost()) {
    return Error{ErrorCode::kExhausted,
                 "the launcher has no descriptor number left; raise its open files limit"};
  }
  if (received.size() != static_cast<std::size_t>(std::popcount(present))) {
    return Error{ErrorCode::kCorrupt, "a request on the launcher's socket came with " +
                                          std::to_string(received.size()) +
                                          " descriptors, not those it names"};
  }
  sandbox::Descriptors descriptors;
  const std::array<base::UniqueFd*, kMaxDescriptors> slots = {&descriptors.code_folder, &descriptors.requests,
                                                              &descriptors.out, &descriptors.err,
                                                              &descriptors.answers};
  std::size_t next = 0;
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    if ((present & (1U << slot)) != 0) {
      *slots[slot] = std::move(received[next++]);
    }
  }
  return descriptors;
}

Result<void> Server::start(const sandbox::Spec& spec, sandbox::Descriptors descriptors) {
  if (auto checked = check_spec(spec, options_.policy); !checked) {
    return checked;
  }
  if (auto checked = check_descriptors(descriptors); !checked) {
    return checked;
  }
  if (living_.contains(spec.name)) {
    return Error{ErrorCode::kAlreadyExists, "sandbox " + spec.name + " lives already"};
  }
  if (living_.size() >= options_.policy.sandboxes) {
    return Error{ErrorCode::kExhausted, "the launcher's bound of " +
                                            std::to_string(options_.policy.sandboxes) +
                                            " living sandboxes is reached"};
  }
  preparing_ = true;
  return backend_.start(spec, std::move(descriptors));
}

Result<void> Server::check_change(const std::string& name, const sandbox::Limits& limits) const {
  Result<void> checked = check_limits(limits, options_.policy.maxima);
  if (checked && !living_.contains(name)) {
    checked = Error{ErrorCode::kNotFound, "no such sandbox"};
  }
  return checked;
}

Result<void> Server::handle(AssignRequest& request) {
  constexpr auto kCodeFolder = 1U << static_cast<unsigned>(DescriptorSlot::kCodeFolder);
  Result<sandbox::Descriptors> descriptors = take_descriptors(kCodeFolder);
  if (!descriptors && descriptors.error().code == ErrorCode::kCorrupt) {
    return descriptors.error();
  }
  Result<void> assigned = descriptors ? check_descriptors(*descriptors) : descriptors.error();
  if (assigned) {
    assigned = check_change(request.name, request.limits);
  }
  if (assigned) {
    assigned = backend_.assign(request.name, request.limits, std::move(descriptors->code_folder));
  }
  if (assigned) {
    notify(Assigned{std::move(request.name)});
  } else {
    notify(NotAssigned{std::move(request.name), assigned.error()});
  }
  return {};
}

Result<void> Server::handle(SetLimitsRequest& request) {
  Result<void> set = check_change(request.name, request.limits);
  if (set) {
    set = backend_.set_limits(request.name, request.limits);
  }
  if (!set) {
    notify(LimitsRefused{std::move(request.name), set.error()});
  }
  return {};
}

Result<void> Server::handle(RemoveRequest& request) {
  const auto found = living_.find(request.name);
  if (found != living_.end() && !std::exchange(found->second.removing, true)) {
    ++removing_;
    backend_.remove(request.name);
  }
  return {};
}

// Waits for the socket, the backend or the time of the next collect(); true when the socket is readable.
// Prepares starts meanwhile.
bool Server::wait(int socket) {
  const milliseconds period = end_is_under_way() ? kCollectPeriod : kIdleCollectPeriod;
  std::array<pollfd, 2> polled = {pollfd{.fd = socket, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = backend_.ready_fd(), .events = POLLIN, .revents = 0}};
  const bool prepares = preparing_ && socket != kNoSocket;
  const int idle_ms = living_.empty() ? kForever : static_cast<int>(period.count());
  const int ready = ::poll(polled.data(), polled.size(), prepares ? kQuietMs : idle_ms);
  if (ready < 0) {
    return false;  // a signal; its handler does nothing
  }
  if (ready == 0 && prepares) {
    preparing_ = backend_.prepare();
  }
  const auto now = Clock::now();
  if (polled[1].revents != 0) {
    settled_at_ = now + kSettlePeriod;
  }
  if (polled[1].revents != 0 || now - collected_at_ >= period) {
    collected_at_ = now;
    collect();
  }
  return polled[0].revents != 0;
}

void Server::collect() {
  for (sandbox::Exit& exit : backend_.collect()) {
    const auto found = living_.find(exit.name);
    if (found == living_.end()) {
      continue;  // not one that the peer was told of
    }
    removing_ -= found->second.removing ? 1U : 0U;
    living_.erase(found);
    notify(Exited{std::move(exit)});
  }
}

bool Server::end_is_under_way() const { return removing_ > 0 || Clock::now() < settled_at_; }

// The peer stops and continues its sandboxes itself: each call would wait for the launcher to wake.
void Server::notify_started(std::string name) {
  const sandbox::Control control = backend_.control(name);
  Started started{std::move(name), 0};
  std::array<int, 2> descriptors{};
  std::size_t count = 0;
  const auto add = [&](const base::UniqueFd& file, std::uint8_t bit) {
    if (file.valid()) {
      descriptors[count++] = file.get();
      started.present |= bit;
    }
  };
  add(control.freezer, kFreezerPresent);
  add(control.memory, kMemoryPresent);
  notify(started, std::span(descriptors).first(count));
}

void Server::notify(const Notice& notice, std::span<const int> descriptors) {
  const Result<std::string> bytes = encode(notice);
  if (!bytes || !socket_.valid()) {
    return;  // only a name over its bound does not encode, and no such sandbox lives
  }
  // A peer that does not read stops the launcher, and with it only itself. One that is gone is
  // noticed by the next receive.
  send_packet(socket_.get(), *bytes, descriptors, 0);
}

Result<void> Server::remove_all() {
  for (auto& [name, living] : living_) {
    if (!std::exchange(living.removing, true)) {
      ++removing_;
      backend_.remove(name);
    }
  }
  const auto deadline = Clock::now() + options_.removal_bound;
  while (!living_.empty()) {
    if (Clock::now() >= deadline) {
      return Error{ErrorCode::kTimeout, std::to_string(living_.size()) + " sandboxes, " +
                                            living_.begin()->first + " among them, were still there after " +
                                            std::to_string(options_.removal_bound.count()) +
                                            " ms; the next start sweeps them"};
    }
    wait(kNoSocket);
  }
  return {};
}

}  // namespace hearth::launcher
