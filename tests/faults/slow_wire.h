// A wire that is slow: what comes in at one interface goes out at the other, some of it later. This kernel
// has no netem; and a proxy of connections would not do, as it confirms in its host's name what has not
// arrived.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace hearth::faults {

// Between two interfaces of the network namespace that it is made in, with a thread of its own: carries whole
// frames, checksums that are still to be made and unsegmented ones as they are. A failure to begin throws
// std::runtime_error; what finds no room later is lost, as on any wire. Ends with the object, and what is on
// its way then arrives at once.
class SlowWire {
 public:
  // Of IPv4 packets between the near end's host and `peer`; all else takes no time. On top comes up to a
  // fifth, at random; the order stays.
  struct Delay {
    std::uint32_t peer = 0;  // as in a packet
    std::chrono::milliseconds there{0};
    std::chrono::milliseconds back{0};
  };

  SlowWire(const std::string& near, const std::string& far, const Delay& delay);
  SlowWire(const SlowWire&) = delete;
  SlowWire& operator=(const SlowWire&) = delete;
  ~SlowWire();

 private:
  using Clock = std::chrono::steady_clock;
  struct Frame {
    Clock::time_point due;
    std::vector<char> bytes;
  };
  struct Way {
    int from;
    int to;
    std::size_t peer_at;  // where such a packet has the peer's address
    std::chrono::milliseconds delay;
    std::deque<Frame> queue{};
  };

  void run();
  void take_in(Way& way);
  void let_out(Way& way, Clock::time_point until);
  std::chrono::milliseconds until_next() const;
  Clock::time_point due(const Way& way);

  const std::uint32_t peer_;
  base::UniqueFd near_;
  base::UniqueFd far_;
  base::UniqueFd end_;
  Way there_;
  Way back_;
  std::vector<char> taken_;  // the frame that has just come
  std::mt19937 generator_{std::random_device()()};
  std::thread thread_;
};

}  // namespace hearth::faults
