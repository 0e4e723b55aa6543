// One connection to a Redis server, for commands or for a subscription.
//
// It is opened once and stays open by itself: what is lost is connected again, after 50 ms at first and after
// 1 s at most. Every command has its answer or an error within kCommandDeadline: when one has none the
// connection is given up with all that it carries, so that whoever asks next is told at once. Loop thread
// only; never blocks (a host's name is looked up on the pool).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocking_pool.h"
#include "base/reactor.h"
#include "base/result.h"
#include "messaging/redis/redis_url.h"

struct redisAsyncContext;

namespace hearth::messaging {

inline constexpr std::chrono::milliseconds kCommandDeadline{500};
// From the first packet to the last answer of the greeting.
inline constexpr std::chrono::milliseconds kConnectDeadline{500};
inline constexpr std::chrono::milliseconds kShortestBackoff{50};
inline constexpr std::chrono::milliseconds kLongestBackoff{1'000};
// Commands without an answer yet; one more fails at once. Some 5 MB, and half a second of Redis's time.
inline constexpr std::size_t kMostInFlight = 16'384;

// What Redis answered: nothing, a text, a number, or several of these.
struct Reply {
  bool nil = false;
  std::string text;
  std::int64_t number = 0;
  std::vector<Reply> parts;

  bool operator==(const Reply&) const = default;
};

class RedisConnection {
 public:
  struct Events {
    std::function<void()> up;    // the greeting is over: commands, or messages, go through
    std::function<void()> down;  // no more
    std::function<void(std::string_view channel, std::string_view text)> message;
  };
  // kNotFound: Redis does not have this script (NOSCRIPT). kInvalidArgument: another error that Redis tells.
  // kTimeout, kIo: the connection is lost, it may have been executed or not. kExhausted, kGone: never sent.
  using OnReply = std::function<void(base::Result<Reply>)>;

  // No callback may destroy the connection. Destroying it calls none. `reactor` and `pool` outlive it, and
  // the reactor the pool.
  RedisConnection(base::Reactor& reactor, base::BlockingPool& pool, RedisUrl url, Events events);
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;
  ~RedisConnection();

  // Once. With `channels` it is a subscription to them, and takes no commands.
  void open(std::vector<std::string> channels = {});

  bool up() const { return up_; }

  // `done` is called once, inside the call when it cannot be sent.
  void send(std::span<const std::string> words, OnReply done);

  // As if it had been lost: connects anew.
  void give_up(const base::Error& why);

 private:
  struct Hooks;  // hiredis's callbacks
  struct Pending {
    base::TimePoint deadline;
    OnReply done;
  };

  void connect();
  void connect_to(const std::string& address);
  void connected();
  void greet(std::vector<std::string> words);
  void greeted(const base::Result<Reply>& reply);
  void enqueue(std::span<const std::string> words, OnReply done);
  void answered(base::Result<Reply> reply);
  void subscribed();
  void set_up();
  void lost(const base::Error& why);
  void let_go();
  void arm_deadline();

  base::Reactor& reactor_;
  base::BlockingPool& pool_;
  const RedisUrl url_;
  const Events events_;
  std::vector<std::string> channels_;
  redisAsyncContext* context_ = nullptr;  // hiredis frees it when the connection is lost, else we do
  std::deque<Pending> pending_;           // in the order in which they were sent
  std::size_t greetings_left_ = 0;        // answers until it is up
  bool up_ = false;
  bool told_down_ = false;  // the log knows
  std::chrono::milliseconds backoff_ = kShortestBackoff;
  base::TimerId connect_timer_ = 0;   // the next attempt, or the end of this one
  base::TimerId deadline_timer_ = 0;  // of the oldest command
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::messaging
