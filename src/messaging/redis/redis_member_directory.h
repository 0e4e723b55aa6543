// The directory of members on the servers of messaging/redis: each card is on every server that is up, and of
// several that a list finds the newest counts. Redis forgets a card by itself, after Settings::card_life.
//
// It has connections of its own: a card is not late because many entries are on their way. Loop thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/reactor.h"
#include "messaging/member_directory.h"
#include "messaging/redis/redis_connection.h"

namespace hearth::messaging {

// Of drop_entries(): entries of one stack, and pages of a hundred stacks of one server. What is beyond is
// found out by whoever takes it.
inline constexpr std::size_t kDroppedMost = 10'000;
inline constexpr std::size_t kDropPagesMost = 1'000;

class RedisMemberDirectory final : public MemberDirectory {
 public:
  struct Settings {
    std::vector<RedisUrl> servers;
    std::chrono::milliseconds card_life{5'000};  // --worker-timeout
  };

  // All outlive it. No callback may destroy it; destroying it calls none.
  RedisMemberDirectory(Settings settings, base::Reactor& reactor, base::BlockingPool& pool);
  RedisMemberDirectory(const RedisMemberDirectory&) = delete;
  RedisMemberDirectory& operator=(const RedisMemberDirectory&) = delete;
  ~RedisMemberDirectory() override;

  // Begins to connect; `up` is called whenever a server has begun to answer.
  void open(std::function<void()> up);
  std::size_t servers_up() const;

  void publish(const model::Member& card, Published done) override;
  void list(Listed done) override;
  void drop_entries(const std::string& worker_uri, Dropped done) override;

 private:
  using Replies = std::function<void(std::vector<Reply>)>;
  struct Drop;

  void ask_all(const std::vector<std::string>& words, Replies done);
  void drop_from(RedisConnection& server, const std::shared_ptr<Drop>& drop, std::vector<std::string> stacks);
  void next_page(RedisConnection& server, const std::shared_ptr<Drop>& drop);

  const std::chrono::milliseconds card_life_;
  std::function<void()> up_;
  std::vector<std::unique_ptr<RedisConnection>> servers_;
};

}  // namespace hearth::messaging
