#include "messaging/redis/redis_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/async.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/bring_back.h"
#include "base/log.h"
#include "messaging/redis/reactor_adapter.h"

namespace hearth::messaging {
namespace {

Reply copy_of(const redisReply& reply) {
  Reply copy;
  copy.nil = reply.type == REDIS_REPLY_NIL;
  copy.number = reply.type == REDIS_REPLY_INTEGER ? reply.integer : 0;
  if (reply.str != nullptr && (reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS)) {
    copy.text.assign(reply.str, static_cast<std::size_t>(reply.len));
  }
  for (std::size_t i = 0; reply.type == REDIS_REPLY_ARRAY && i < reply.elements; ++i) {
    copy.parts.push_back(copy_of(*reply.element[i]));
  }
  return copy;
}

base::Result<Reply> result_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ERROR) {
    return copy_of(reply);
  }
  const std::string text(reply.str, static_cast<std::size_t>(reply.len));
  return base::Error{
      text.starts_with("NOSCRIPT") ? base::ErrorCode::kNotFound : base::ErrorCode::kInvalidArgument, text};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> parsed;
  return ::inet_pton(AF_INET, host.c_str(), parsed.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), parsed.data()) == 1;
}

// Blocks. The host's first address, or an empty text.
std::string look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
    return {};
  }
  std::array<char, NI_MAXHOST> address{};
  const int named = ::getnameinfo(found->ai_addr, found->ai_addrlen, address.data(), address.size(), nullptr,
                                  0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return named == 0 ? std::string(address.data()) : std::string();
}

}  // namespace

// A context whose data is null has been let go of.
struct RedisConnection::Hooks {
  static RedisConnection* of(const redisAsyncContext* context) {
    return static_cast<RedisConnection*>(context->data);
  }
  static void on_connect(const redisAsyncContext* context, int status) {
    RedisConnection* connection = of(context);
    if (connection != nullptr && status == REDIS_OK) {
      connection->connected();
    } else if (connection != nullptr) {
      on_disconnect(context, status);
    }
  }
  // hiredis frees the context itself.
  static void on_disconnect(const redisAsyncContext* context, int /*status*/) {
    if (RedisConnection* connection = of(context)) {
      const std::string why = context->errstr != nullptr ? context->errstr : "the connection was closed";
      connection->context_ = nullptr;
      connection->lost({base::ErrorCode::kIo, why});
    }
  }
  // Without a reply the connection is about to be lost: on_disconnect() tells.
  static void on_reply(redisAsyncContext* context, void* reply, void* /*data*/) {
    RedisConnection* connection = of(context);
    if (connection != nullptr && reply != nullptr) {
      connection->answered(result_of(*static_cast<const redisReply*>(reply)));
    }
  }
  static void on_message(redisAsyncContext* context, void* reply, void* /*data*/) {
    RedisConnection* connection = of(context);
    if (connection == nullptr || reply == nullptr) {
      return;
    }
    const Reply message = copy_of(*static_cast<const redisReply*>(reply));
    if (message.parts.size() != 3) {
      return;
    }
    if (message.parts[0].text == "subscribe") {
      connection->subscribed();
    } else if (message.parts[0].text == "message") {
      connection->events_.message(message.parts[1].text, message.parts[2].text);
    }
  }
};

RedisConnection::RedisConnection(base::Reactor& reactor, base::BlockingPool& pool, RedisUrl url,
                                 Events events)
    : reactor_(reactor), pool_(pool), url_(std::move(url)), events_(std::move(events)) {}

RedisConnection::~RedisConnection() {
  reactor_.cancel(connect_timer_);
  reactor_.cancel(deadline_timer_);
  let_go();
}

void RedisConnection::open(std::vector<std::string> channels) {
  channels_ = std::move(channels);
  connect();
}

void RedisConnection::connect() {
  // Also bounds the look for the host's address.
  connect_timer_ = reactor_.at(reactor_.now() + kConnectDeadline, [this] {
    connect_timer_ = 0;
    lost({base::ErrorCode::kTimeout, "no connection in time"});
  });
  if (is_address(url_.host)) {
    connect_to(url_.host);
    return;
  }
  const std::function<void(std::string)> use = [this, weak = std::weak_ptr<bool>(alive_),
                                                attempt = connect_timer_](const std::string& address) {
    if (!weak.expired() && connect_timer_ == attempt) {
      connect_to(address);
    }
  };
  const auto found = base::bring_back(reactor_, use);
  // Refused by a full pool, this attempt ends at its deadline.
  [[maybe_unused]] const auto submitted = pool_.submit([host = url_.host, found] { found(look_up(host)); });
}

void RedisConnection::connect_to(const std::string& address) {
  if (address.empty()) {
    lost({base::ErrorCode::kIo, "the host has no address"});
    return;
  }
  redisAsyncContext* context = redisAsyncConnect(address.c_str(), url_.port);
  if (context == nullptr || context->err != 0) {
    const std::string why = context != nullptr ? context->errstr : "out of memory";
    if (context != nullptr) {
      redisAsyncFree(context);
    }
    lost({base::ErrorCode::kIo, why});
    return;
  }
  ::fcntl(context->c.fd, F_SETFD, FD_CLOEXEC);
  context->data = this;
  context_ = context;
  attach_to_reactor(*context, reactor_);
  redisAsyncSetDisconnectCallback(context, Hooks::on_disconnect);
  redisAsyncSetConnectCallback(context, Hooks::on_connect);
}

// Greets: who we are, which database, and whether the server answers at all: the kernel of one that is
// stopped takes connections too.
void RedisConnection::connected() {
  greetings_left_ = 0;
  if (!url_.password.empty() && !url_.user.empty()) {
    greet({"AUTH", url_.user, url_.password});
  } else if (!url_.password.empty()) {
    greet({"AUTH", url_.password});
  }
  if (url_.db != 0) {
    greet({"SELECT", std::to_string(url_.db)});
  }
  greet({"PING"});
  if (channels_.empty()) {
    return;
  }
  std::vector<const char*> words{"SUBSCRIBE"};
  std::vector<std::size_t> sizes{9};
  for (const std::string& channel : channels_) {
    words.push_back(channel.data());
    sizes.push_back(channel.size());
  }
  greetings_left_ += channels_.size();
  redisAsyncCommandArgv(context_, Hooks::on_message, nullptr, static_cast<int>(words.size()), words.data(),
                        sizes.data());
}

void RedisConnection::greet(std::vector<std::string> words) {
  ++greetings_left_;
  enqueue(words, [this](const base::Result<Reply>& reply) { greeted(reply); });
}

void RedisConnection::greeted(const base::Result<Reply>& reply) {
  if (reply) {
    set_up();
  } else if (context_ != nullptr) {  // else it is lost already
    lost(reply.error());
  }
}

void RedisConnection::subscribed() { set_up(); }

// One more answer of the greeting has come.
void RedisConnection::set_up() {
  if (greetings_left_ == 0 || --greetings_left_ > 0) {
    return;
  }
  reactor_.cancel(std::exchange(connect_timer_, 0));
  backoff_ = kShortestBackoff;
  up_ = true;
  if (std::exchange(told_down_, false)) {
    spdlog::info("messaging: {} is reachable again", without_secret(url_));
  }
  events_.up();
}

void RedisConnection::send(std::span<const std::string> words, OnReply done) {
  assert(channels_.empty());
  if (!up_) {
    done(base::Error{base::ErrorCode::kGone, "the Redis server is not reachable"});
  } else if (pending_.size() >= kMostInFlight) {
    done(base::Error{base::ErrorCode::kExhausted, "too many commands are on their way to Redis"});
  } else {
    enqueue(words, std::move(done));
  }
}

void RedisConnection::enqueue(std::span<const std::string> words, OnReply done) {
  std::vector<const char*> texts(words.size());
  std::vector<std::size_t> sizes(words.size());
  std::ranges::transform(words, texts.begin(), [](const std::string& word) { return word.data(); });
  std::ranges::transform(words, sizes.begin(), [](const std::string& word) { return word.size(); });
  pending_.push_back({reactor_.now() + kCommandDeadline, std::move(done)});
  redisAsyncCommandArgv(context_, Hooks::on_reply, nullptr, static_cast<int>(words.size()), texts.data(),
                        sizes.data());
  arm_deadline();
}

void RedisConnection::answered(base::Result<Reply> reply) {
  if (pending_.empty()) {
    return;
  }
  const OnReply done = std::move(pending_.front().done);
  pending_.pop_front();
  done(std::move(reply));
}

// One timer for all: the oldest has the earliest deadline, and nearly always its answer before it.
void RedisConnection::arm_deadline() {
  if (deadline_timer_ != 0 || pending_.empty()) {
    return;
  }
  deadline_timer_ = reactor_.at(pending_.front().deadline, [this] {
    deadline_timer_ = 0;
    if (!pending_.empty() && pending_.front().deadline <= reactor_.now()) {
      lost({base::ErrorCode::kTimeout, "no answer in time"});
    } else {
      arm_deadline();
    }
  });
}

void RedisConnection::give_up(const base::Error& why) {
  if (context_ != nullptr) {
    lost(why);
  }
}

void RedisConnection::lost(const base::Error& why) {
  let_go();
  reactor_.cancel(std::exchange(deadline_timer_, 0));
  reactor_.cancel(connect_timer_);
  connect_timer_ = reactor_.at(reactor_.now() + backoff_, [this] { connect(); });
  backoff_ = std::min(2 * backoff_, kLongestBackoff);
  if (!std::exchange(told_down_, true)) {
    spdlog::warn("messaging: {} is not reachable: {}", without_secret(url_), why.message);
  }
  const auto failed = std::exchange(pending_, {});
  if (std::exchange(up_, false)) {
    events_.down();
  }
  for (const Pending& each : failed) {
    each.done(why);
  }
}

void RedisConnection::let_go() {
  if (context_ != nullptr) {
    context_->data = nullptr;
    redisAsyncFree(std::exchange(context_, nullptr));
  }
}

}  // namespace hearth::messaging
