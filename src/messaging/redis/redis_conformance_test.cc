// One Redis server, and three, held to the conformance suite.
#include "messaging/redis/redis_member_directory.h"
#include "messaging/redis/testing/redis_fixture.h"
#include "messaging/testing/member_conformance.h"

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
  loop->messaging->on_announced([](const model::VersionId&) {});  // each test's own follows
  loop->messaging->open();
  EXPECT_TRUE(run_until(loop->reactor, [&] { return loop->messaging->servers_up() == count; }));
  subject.messaging = {loop, loop->messaging.get()};
  subject.one_cold_queue = count == 1;
  subject.settle = [loop = loop.get()] { settle(*loop); };
  return subject;
}

DirectorySubject make_directory(std::size_t count) {
  struct AtDirectory {
    base::Reactor reactor;
    base::BlockingPool pool{1, 16};
    std::unique_ptr<RedisMemberDirectory> directory;
  };
  auto loop = std::make_shared<AtDirectory>();
  RedisMemberDirectory::Settings settings;
  for (std::size_t i = 0; i < count; ++i) {
    servers()[i]->ask("FLUSHALL");
    settings.servers.push_back(servers()[i]->url());
  }
  loop->directory = std::make_unique<RedisMemberDirectory>(settings, loop->reactor, loop->pool);
  loop->directory->open([] {});
  EXPECT_TRUE(run_until(loop->reactor, [&] { return loop->directory->servers_up() == count; }));
  return {{loop, loop->directory.get()}, [loop = loop.get()](const std::function<bool()>& condition) {
            return run_until(loop->reactor, condition);
          }};
}

}  // namespace

std::vector<DirectoryBackend> member_directories() {
  return {{"redis", [] { return make_directory(1); }},
          {"three_redis_servers", [] { return make_directory(3); }}};
}

std::vector<MessagingBackend> messaging_backends() {
  return {{"redis", [] { return make(1); }}, {"three_redis_servers", [] { return make(3); }}};
}

}  // namespace hearth::messaging
