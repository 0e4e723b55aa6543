#include "tests/faults/slow_wire.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <stdexcept>

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;

// A struct virtio_net_hdr (whose header is no C++): of the checksum and of segments, before each frame.
constexpr std::size_t kNote = 10;
constexpr std::size_t kType = kNote + 12;  // of an Ethernet frame
constexpr std::size_t kSource = kNote + 14 + 12;
constexpr std::size_t kDestination = kSource + 4;
constexpr std::size_t kFrameBytes = 80'000;
constexpr int kSocketBytes = 8 * 1024 * 1024;
constexpr int kTakenAtOnce = 64;

void set_option(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) != 0) {
    throw std::runtime_error("a packet socket's option is not there");
  }
}

base::UniqueFd open_interface(const std::string& name) {
  base::UniqueFd made(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  set_option(made.get(), SOL_PACKET, PACKET_VNET_HDR, 1);
  set_option(made.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
  set_option(made.get(), SOL_SOCKET, SO_RCVBUFFORCE, kSocketBytes);
  set_option(made.get(), SOL_SOCKET, SO_SNDBUFFORCE, kSocketBytes);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("no interface " + name);
  }
  return made;
}

bool names_peer(std::span<const char> frame, std::size_t at, std::uint32_t peer) {
  std::uint16_t type = 0;
  std::uint32_t address = 0;
  if (frame.size() < kDestination + sizeof address) {
    return false;
  }
  std::memcpy(&type, frame.data() + kType, sizeof type);
  std::memcpy(&address, frame.data() + at, sizeof address);
  return ntohs(type) == ETHERTYPE_IP && address == peer;
}

}  // namespace

SlowWire::SlowWire(const std::string& near, const std::string& far, const Delay& delay)
    : peer_(delay.peer),
      near_(open_interface(near)),
      far_(open_interface(far)),
      end_(::eventfd(0, EFD_CLOEXEC)),
      there_{near_.get(), far_.get(), kDestination, delay.there},
      back_{far_.get(), near_.get(), kSource, delay.back},
      taken_(kFrameBytes),
      thread_([this] { run(); }) {}

SlowWire::~SlowWire() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(end_.get(), &one, sizeof one);
  thread_.join();
}

void SlowWire::run() {
  std::array<pollfd, 3> looks = {
      {{near_.get(), POLLIN, 0}, {far_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
  while ((looks[2].revents & POLLIN) == 0) {
    ::poll(looks.data(), looks.size(), static_cast<int>(until_next().count()));
    for (Way* const way : {&there_, &back_}) {
      take_in(*way);
      let_out(*way, Clock::now());
    }
  }
  let_out(there_, Clock::time_point::max());
  let_out(back_, Clock::time_point::max());
}

void SlowWire::take_in(Way& way) {
  for (int i = 0; i < kTakenAtOnce; ++i) {
    const ssize_t got = ::recv(way.from, taken_.data(), taken_.size(), 0);
    if (got <= 0) {
      return;
    }
    const std::span frame(taken_.data(), static_cast<std::size_t>(got));
    if (names_peer(frame, way.peer_at, peer_)) {
      way.queue.push_back({due(way), {frame.begin(), frame.end()}});
    } else {
      ::send(way.to, frame.data(), frame.size(), 0);
    }
  }
}

void SlowWire::let_out(Way& way, Clock::time_point until) {
  while (!way.queue.empty() && way.queue.front().due <= until) {
    const std::vector<char>& bytes = way.queue.front().bytes;
    ::send(way.to, bytes.data(), bytes.size(), 0);
    way.queue.pop_front();
  }
}

// Rounded up: a frame is rather late than asked for again and again.
milliseconds SlowWire::until_next() const {
  Clock::time_point next = Clock::now() + milliseconds(1'000);
  for (const Way* const way : {&there_, &back_}) {
    next = way->queue.empty() ? next : std::min(next, way->queue.front().due);
  }
  return std::max(std::chrono::ceil<milliseconds>(next - Clock::now()), milliseconds(0));
}

SlowWire::Clock::time_point SlowWire::due(const Way& way) {
  const auto more = std::uniform_int_distribution<std::int64_t>(0, way.delay.count() * 200)(generator_);
  const auto wanted = Clock::now() + way.delay + std::chrono::microseconds(more);
  return way.queue.empty() ? wanted : std::max(wanted, way.queue.back().due);
}

}  // namespace hearth::faults
