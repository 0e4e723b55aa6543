#include "messaging/redis/redis_member_directory.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/log.h"
#include "messaging/redis/keys.h"
#include "messaging/redis/member_text.h"

namespace hearth::messaging {
namespace {

// KEYS: set of ids, card. ARGV: id, the card's text, milliseconds to live. Whether there was a card.
constexpr const char* kPublishScript = R"lua(
local known = redis.call('EXISTS', KEYS[2])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return known
)lua";

// KEYS: set of ids. ARGV: what the key of a card begins with. The cards there are; ids without one go.
constexpr const char* kListScript = R"lua(
local cards = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local card = redis.call('GET', ARGV[1] .. id)
  if card then
    cards[#cards + 1] = card
  else
    redis.call('SREM', KEYS[1], id)
  end
end
return cards
)lua";

// KEYS: stacks. ARGV: what the entries that go end with, how many of a stack at most. How many went.
constexpr const char* kDropScript = R"lua(
local dropped = 0
for _, stack in ipairs(KEYS) do
  for _, entry in ipairs(redis.call('LRANGE', stack, 0, ARGV[2] - 1)) do
    if string.sub(entry, -#ARGV[1]) == ARGV[1] then
      dropped = dropped + redis.call('LREM', stack, 1, entry)
    end
  end
end
return dropped
)lua";

constexpr const char* kStacksAtOnce = "100";

base::Error no_answer() { return {base::ErrorCode::kUnavailable, "no Redis server of --messaging answers"}; }

}  // namespace

// One drop_entries(), on all servers at once.
struct RedisMemberDirectory::Drop {
  struct Scan {
    std::string cursor = "0";
    std::size_t pages = 0;
  };

  std::string suffix;
  std::map<RedisConnection*, Scan> scans;  // of the servers that are not through
  std::size_t dropped = 0;
  std::size_t answers = 0;
  Dropped done;

  void ended(RedisConnection& server) {
    scans.erase(&server);
    if (!scans.empty()) {
      return;
    }
    const auto tell = std::exchange(done, nullptr);
    if (answers == 0) {
      tell(no_answer());
    } else {
      tell(dropped);
    }
  }
};

RedisMemberDirectory::RedisMemberDirectory(Settings settings, base::Reactor& reactor,
                                           base::BlockingPool& pool)
    : card_life_(settings.card_life) {
  for (RedisUrl& url : settings.servers) {
    servers_.push_back(std::make_unique<RedisConnection>(reactor, pool, std::move(url),
                                                         RedisConnection::Events{[this] {
                                                                                   if (up_) {
                                                                                     up_();
                                                                                   }
                                                                                 },
                                                                                 [] {},
                                                                                 {}}));
  }
}

RedisMemberDirectory::~RedisMemberDirectory() = default;

void RedisMemberDirectory::open(std::function<void()> up) {
  up_ = std::move(up);
  for (const auto& server : servers_) {
    server->open();
  }
}

std::size_t RedisMemberDirectory::servers_up() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(servers_, [](const auto& server) { return server->up(); }));
}

// `done`: what those said that answered; nothing when none did.
void RedisMemberDirectory::ask_all(const std::vector<std::string>& words, Replies done) {
  struct Asked {
    std::size_t left = 1;  // this call itself, so that an answer inside it is not the last
    std::vector<Reply> replies;
    Replies done;

    void one_less() {
      if (--left == 0) {
        done(std::move(replies));
      }
    }
  };
  const auto asked = std::make_shared<Asked>();
  asked->done = std::move(done);
  for (const auto& server : servers_) {
    if (!server->up()) {
      continue;
    }
    ++asked->left;
    server->send(words, [asked](base::Result<Reply> reply) {
      if (reply) {
        asked->replies.push_back(std::move(*reply));
      }
      asked->one_less();
    });
  }
  asked->one_less();
}

void RedisMemberDirectory::publish(const model::Member& card, Published done) {
  const auto text = to_text(card);
  if (!text) {
    done(
        base::Error{base::ErrorCode::kInvalidArgument, "the card of " + card.id + " cannot be written down"});
    return;
  }
  ask_all({"EVAL", kPublishScript, "2", std::string(kMembersKey), key_of(kMemberKeys, card.id), card.id,
           *text, std::to_string(card_life_.count())},
          [done = std::move(done)](const std::vector<Reply>& replies) {
            if (replies.empty()) {
              done(no_answer());
            } else {
              done(std::ranges::any_of(replies, [](const Reply& reply) { return reply.number != 0; }));
            }
          });
}

void RedisMemberDirectory::list(Listed done) {
  ask_all({"EVAL", kListScript, "1", std::string(kMembersKey), std::string(kMemberKeys)},
          [done = std::move(done)](const std::vector<Reply>& replies) {
            if (replies.empty()) {
              done(no_answer());
              return;
            }
            std::map<std::string, model::Member> newest;
            for (const Reply& reply : replies) {
              for (const Reply& part : reply.parts) {
                auto card = member_of(part.text);
                if (!card) {
                  spdlog::warn("members: a card that cannot be read was passed over");
                  continue;
                }
                const auto [kept, added] = newest.try_emplace(card->id, *card);
                if (!added && kept->second.beat < card->beat) {
                  kept->second = std::move(*card);
                }
              }
            }
            std::vector<model::Member> members;
            for (auto& [id, card] : newest) {
              members.push_back(std::move(card));
            }
            done(std::move(members));
          });
}

void RedisMemberDirectory::drop_entries(const std::string& worker_uri, Dropped done) {
  const auto drop = std::make_shared<Drop>();
  drop->suffix = " " + worker_uri;
  drop->done = std::move(done);
  std::vector<RedisConnection*> asked;
  for (const auto& server : servers_) {
    if (server->up()) {
      drop->scans.emplace(server.get(), Drop::Scan{});
      asked.push_back(server.get());
    }
  }
  if (asked.empty()) {
    drop->done(no_answer());
    return;
  }
  for (RedisConnection* server : asked) {
    drop_from(*server, drop, {std::string(kColdKey)});
  }
}

void RedisMemberDirectory::drop_from(RedisConnection& server, const std::shared_ptr<Drop>& drop,
                                     std::vector<std::string> stacks) {
  std::vector<std::string> words{"EVAL", kDropScript, std::to_string(stacks.size())};
  words.insert(words.end(), std::make_move_iterator(stacks.begin()), std::make_move_iterator(stacks.end()));
  words.push_back(drop->suffix);
  words.push_back(std::to_string(kDroppedMost));
  server.send(words, [this, &server, drop](const base::Result<Reply>& reply) {
    if (!reply) {
      drop->ended(server);
      return;
    }
    ++drop->answers;
    drop->dropped += static_cast<std::size_t>(reply->number);
    next_page(server, drop);
  });
}

void RedisMemberDirectory::next_page(RedisConnection& server, const std::shared_ptr<Drop>& drop) {
  Drop::Scan& scan = drop->scans.at(&server);
  if ((scan.pages > 0 && scan.cursor == "0") || scan.pages == kDropPagesMost) {
    drop->ended(server);
    return;
  }
  ++scan.pages;
  const std::vector<std::string> words{"SCAN",  scan.cursor,  "MATCH", key_of(kWarmKeys, "*"),
                                       "COUNT", kStacksAtOnce};
  server.send(words, [this, &server, drop](base::Result<Reply> reply) {
    if (!reply || reply->parts.size() != 2) {
      drop->ended(server);
      return;
    }
    drop->scans.at(&server).cursor = reply->parts[0].text;
    std::vector<std::string> stacks;
    for (Reply& key : reply->parts[1].parts) {
      stacks.push_back(std::move(key.text));
    }
    if (stacks.empty()) {
      next_page(server, drop);
    } else {
      drop_from(server, drop, std::move(stacks));
    }
  });
}

}  // namespace hearth::messaging
