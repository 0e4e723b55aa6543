// One Redis server, and three, held to the conformance suite.
#include "messaging/redis/testing/redis_fixture.h"

namespace hearth::messaging {
namespace {

// The servers of all tests: they start once, and are emptied for each.
std::vector<std::unique_ptr<RedisProcess>>& servers() {
  static std::vector<std::unique_ptr<RedisProcess>> all;
  while (all.size() < 3) {
    all.push_back(std::make_unique<RedisProcess>());
  }
  return all;
}

struct OnLoop {
  base::Reactor reactor;
  base::BlockingPool pool{1, 16};
  base::SystemRandom random;
  std::unique_ptr<RedisMessaging> messaging;
};

// Quiet: a command answered by every server, and then nothing heard for a moment.
void settle(OnLoop& loop) {
  bool answered = false;
  loop.messaging->take("settled", UINT32_MAX - 1, Reach::kEverywhere,
                       [&](const std::optional<Taken>&) { answered = true; });
  EXPECT_TRUE(run_until(loop.reactor, [&] { return answered; }));
  run_until(
      loop.reactor, [] { return false; }, std::chrono::milliseconds(20));
}

Subject make(std::size_t count) {
  auto loop = std::make_shared<OnLoop>();
  std::vector<RedisUrl> urls;
  for (std::size_t i = 0; i < count; ++i) {
    servers()[i]->ask("FLUSHALL");
    urls.push_back(servers()[i]->url());
  }
  Subject subject;
  loop->messaging = std::make_unique<RedisMessaging>(RedisMessaging::Settings{urls, "process"}, loop->reactor,
                                                     loop->pool, loop->random);
  loop->messaging->subscribe(*subject.worker);
  loop->messaging->open();
  EXPECT_TRUE(run_until(loop->reactor, [&] { return loop->messaging->servers_up() == count; }));
  subject.messaging = {loop, loop->messaging.get()};
  subject.one_cold_queue = count == 1;
  subject.settle = [loop = loop.get()] { settle(*loop); };
  return subject;
}

}  // namespace

std::vector<MessagingBackend> messaging_backends() {
  return {{"redis", [] { return make(1); }}, {"three_redis_servers", [] { return make(3); }}};
}

}  // namespace hearth::messaging
