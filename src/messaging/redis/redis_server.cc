#include "messaging/redis/redis_server.h"

#include <cassert>
#include <utility>

#include "base/ids.h"
#include "base/log.h"
#include "base/words.h"
#include "messaging/redis/allocation_text.h"
#include "messaging/redis/keys.h"

namespace hearth::messaging {
namespace {

using base::number_of;
using base::take_word;

std::string warm_key(const model::VersionId& version) { return key_of(kWarmKeys, version); }

constexpr std::string_view kComing = "coming";
constexpr std::string_view kNo = "no";
constexpr std::string_view kLook = "look";

void ignore(const base::Result<Reply>&) {}

std::optional<Taken> taken_of(const Reply& reply) {
  if (reply.parts.size() != 2) {
    return std::nullopt;
  }
  auto allocation = allocation_of(reply.parts[1].text);
  if (!allocation) {
    spdlog::warn("messaging: an entry that is none of ours was taken and dropped");
    return std::nullopt;
  }
  return Taken{std::move(*allocation), reply.parts[0].text == "warm" ? Source::kWarm : Source::kCold};
}

}  // namespace

RedisServer::RedisServer(base::Reactor& reactor, base::BlockingPool& pool, base::Random& random,
                         const RedisUrl& url, std::string process, RedisServerEvents& events)
    : reactor_(reactor),
      random_(random),
      name_(without_secret(url)),
      process_(std::move(process)),
      channels_("hearth:" + std::to_string(url.db) + ":"),  // channels are one space for all databases
      events_(events),
      commands_(reactor, pool, url, {[this] { commands_up(); }, [this] { commands_down(); }, {}}),
      subscription_(reactor, pool, url,
                    {[this] {
                       awaited_look_ = 0;
                       events_.hears_again(*this);
                     },
                     [] {}, [this](std::string_view at, std::string_view text) { heard(at, text); }}) {
  assert(!process_.empty() && process_.find_first_of(" \n") == std::string::npos);
}

RedisServer::~RedisServer() { reactor_.cancel(look_timer_); }

std::string RedisServer::channel(std::string_view name) const { return channels_ + std::string(name); }

void RedisServer::open(Hears hears) {
  std::vector<std::string> heard = {channel("answers:" + process_)};
  if (hears.announcements) {
    heard.push_back(channel("announced"));
  }
  if (hears.demands) {
    heard.insert(heard.end(), {channel("dropped"), channel("demand"), channel("withdrawn")});
  }
  subscription_.open(std::move(heard));
  commands_.open();
  look_soon();
}

void RedisServer::commands_up() {
  for (std::size_t i = 0; i < kScripts.size(); ++i) {
    commands_.send(
        std::vector<std::string>{"SCRIPT", "LOAD", kScripts[i]},
        [this, i](const base::Result<Reply>& reply) { digests_[i] = reply ? reply->text : std::string(); });
  }
  lost_ = true;
  look();
}

void RedisServer::commands_down() {
  digests_ = {};
  awaited_look_ = 0;
  events_.went_down(*this);
}

// By its digest; with its text while that is not known, or Redis has forgotten it.
void RedisServer::run(Script script, const std::vector<std::string>& keys,
                      const std::vector<std::string>& arguments, RedisConnection::OnReply done) {
  const auto place = static_cast<std::size_t>(script);
  std::vector<std::string> words{"EVALSHA", digests_[place], std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  const auto with_text = [this, place](std::vector<std::string> again, RedisConnection::OnReply then) {
    again[0] = "EVAL";
    again[1] = kScripts[place];
    commands_.send(again, std::move(then));
  };
  if (digests_[place].empty()) {
    with_text(std::move(words), std::move(done));
    return;
  }
  commands_.send(words, [with_text, words, done = std::move(done)](base::Result<Reply> reply) {
    if (!reply && reply.error().code == base::ErrorCode::kNotFound) {
      with_text(words, done);
    } else {
      done(std::move(reply));
    }
  });
}

void RedisServer::publish(const std::string& channel, const std::string& text,
                          RedisConnection::OnReply done) {
  commands_.send(std::vector<std::string>{"PUBLISH", channel, text}, std::move(done));
}

void RedisServer::announce(const std::string& list, const model::Allocation& allocation,
                           const model::VersionId& version) {
  const auto text = to_text(allocation);
  if (!text) {
    spdlog::error("messaging: an allocation of {} cannot be written down", allocation.instance);
    return;
  }
  run(Script::kAnnounce, {list},
      {entry_prefix(allocation), *text, std::to_string(kEntryLife.count()), channel("announced"), version},
      [this](const base::Result<Reply>& reply) { lost_ = lost_ || !reply; });
}

void RedisServer::announce_warm(const model::VersionId& version, const model::Allocation& allocation) {
  announce(warm_key(version), allocation, version);
}

void RedisServer::announce_cold(const model::Allocation& allocation) {
  announce(std::string(kColdKey), allocation, {});
}

void RedisServer::withdraw(const model::VersionId& version, const std::string& instance) {
  run(Script::kWithdraw, {version.empty() ? std::string(kColdKey) : warm_key(version)},
      {entry_prefix(instance)}, ignore);
}

void RedisServer::take(const model::VersionId& version, std::uint32_t memory_mb,
                       std::function<void(std::optional<Taken>)> done) {
  if (!up()) {
    done(std::nullopt);
    return;
  }
  run(Script::kTake, {warm_key(version), std::string(kColdKey)},
      {memory_mb == kWarmOnly ? std::string() : std::to_string(memory_mb)},
      [this, done = std::move(done)](const base::Result<Reply>& reply) {
        renew_ = renew_ || !reply;
        done(reply ? taken_of(*reply) : std::nullopt);
      });
}

void RedisServer::drop_version(const model::VersionId& version) {
  run(Script::kDrop, {warm_key(version)}, {channel("dropped"), version}, ignore);
}

void RedisServer::publish_demand(const std::string& text, std::function<void(std::int64_t)> done) {
  publish(channel("demand"), text,
          [done = std::move(done)](const base::Result<Reply>& reply) { done(reply ? reply->number : 0); });
}

void RedisServer::publish_withdrawn(std::uint64_t serial, const std::string& spared) {
  publish(channel("withdrawn"), process_ + ' ' + std::to_string(serial) + ' ' + spared, ignore);
}

void RedisServer::answer(const std::string& asker, std::uint64_t serial, bool coming) {
  publish(channel("answers:" + asker),
          std::string(coming ? kComing : kNo) + ' ' + std::to_string(serial) + ' ' + process_, ignore);
}

void RedisServer::heard(std::string_view at, std::string_view text) {
  at.remove_prefix(channels_.size());
  if (at == "announced") {
    events_.announced(*this, model::VersionId(text));
  } else if (at == "dropped") {
    events_.dropped(model::VersionId(text));
  } else if (at == "demand") {
    for (const PublishedDemand& demand : demands_of(text)) {
      events_.demanded(*this, demand);
    }
  } else if (at == "withdrawn") {
    const std::string asker(take_word(text));
    if (const auto serial = number_of<std::uint64_t>(take_word(text))) {
      events_.demand_withdrawn(asker, *serial, std::string(text));
    }
  } else {
    heard_answer(text);
  }
}

void RedisServer::heard_answer(std::string_view text) {
  const std::string_view kind = take_word(text);
  const auto serial = number_of<std::uint64_t>(take_word(text));
  if (!serial) {
    return;
  }
  if (kind == kLook) {
    heard_look_ = *serial;
  } else if (kind == kComing || kind == kNo) {
    events_.demand_answered(*serial, kind == kComing, std::string(text));
  }
}

std::string RedisServer::random_epoch() { return base::make_guid(random_); }

void RedisServer::look_soon() {
  look_timer_ = reactor_.at(reactor_.now() + kLookEvery, [this] {
    look_soon();
    if (up()) {
      look();
    }
  });
}

// Also says something to ourselves: a subscription on which it is not heard is none.
void RedisServer::look() {
  if (awaited_look_ != 0 && heard_look_ < awaited_look_) {
    subscription_.give_up({base::ErrorCode::kTimeout, "messages do not come through"});
  }
  const std::uint64_t serial = ++last_look_;
  const bool hears = subscription_.up();
  run(Script::kLook, {std::string(kEpochKey)},
      {random_epoch(), renew_ ? "1" : "", channel("answers:" + process_),
       std::string(kLook) + ' ' + std::to_string(serial)},
      [this, serial, hears, renewed = renew_](const base::Result<Reply>& reply) {
        if (reply) {
          renew_ = renew_ && !renewed;
          awaited_look_ = hears && subscription_.up() ? serial : 0;
          looked(reply->text);
        }
      });
}

void RedisServer::looked(const std::string& epoch) {
  const bool changed = std::exchange(epoch_, epoch) != epoch;
  if (changed || std::exchange(lost_, false) || told_at_ + kAnnounceAgainEvery <= reactor_.now()) {
    lost_ = false;
    told_at_ = reactor_.now();
    events_.may_have_lost(*this);
  }
}

}  // namespace hearth::messaging
