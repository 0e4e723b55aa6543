// What Redis adds to the directory of members: cards that expire, servers that fail, entries that are
// dropped.
#include "messaging/redis/redis_member_directory.h"

#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <vector>

#include "messaging/redis/testing/redis_fixture.h"

namespace hearth::messaging {
namespace {

using model::Member;
using model::MemberRole;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RedisMembers : public RedisTest {
 protected:
  std::unique_ptr<RedisMemberDirectory> open(std::size_t servers,
                                             std::chrono::milliseconds life = std::chrono::seconds(5)) {
    while (servers_.size() < servers) {
      servers_.push_back(std::make_unique<RedisProcess>());
    }
    RedisMemberDirectory::Settings settings{{}, life};
    for (const auto& server : servers_) {
      settings.servers.push_back(server->url());
    }
    auto directory = std::make_unique<RedisMemberDirectory>(settings, reactor_, pool_);
    directory->open([this] { ++came_up_; });
    EXPECT_TRUE(run_until([&] { return directory->servers_up() == servers_.size(); }));
    return directory;
  }

  static Member worker(const std::string& id, std::uint64_t beat = 1) {
    return {id, MemberRole::kWorker, model::MemberState::kServing, "http://10.0.0.1:8081", "1", 0, beat, {},
            {}};
  }
  // Whether it was "known" or is "new", or the error.
  std::string publish(RedisMemberDirectory& directory, const Member& card) {
    std::optional<base::Result<bool>> known;
    directory.publish(card, [&](base::Result<bool> answer) { known = std::move(answer); });
    EXPECT_TRUE(run_until([&] { return known.has_value(); }));
    return !*known ? std::string(to_string(known->error().code)) : **known ? "known" : "new";
  }
  // The ids.
  std::vector<std::string> list(RedisMemberDirectory& directory) {
    std::optional<std::vector<std::string>> ids;
    directory.list([&](const base::Result<std::vector<Member>>& members) {
      ids.emplace();
      if (!members) {
        ids->push_back(std::string(to_string(members.error().code)));
        return;
      }
      for (const Member& member : *members) {
        ids->push_back(member.id + "/" + std::to_string(member.beat));
      }
    });
    EXPECT_TRUE(run_until([&] { return ids.has_value(); }));
    return *ids;
  }
  std::string drop(RedisMemberDirectory& directory, const std::string& uri) {
    std::optional<std::string> dropped;
    directory.drop_entries(uri, [&](const base::Result<std::size_t>& count) {
      dropped = count ? std::to_string(*count) : count.error().message;
    });
    EXPECT_TRUE(run_until([&] { return dropped.has_value(); }));
    return *dropped;
  }

  int came_up_ = 0;
};

TEST_F(RedisMembers, WhoSaysNothingIsForgottenAndLearnsOfIt) {
  const auto directory = open(1, std::chrono::milliseconds(300));
  publish(*directory, worker("a"));
  publish(*directory, worker("b"));
  EXPECT_EQ(publish(*directory, worker("a", 2)), "known");
  EXPECT_TRUE(run_until([&] {
    publish(*directory, worker("a", 3));
    return list(*directory) == std::vector<std::string>{"a/3"};
  }));
  EXPECT_THAT(servers_[0]->ask("SMEMBERS hearth:members"), testing::Not(HasSubstr("b\r\n"))) << "its id too";
  EXPECT_EQ(publish(*directory, worker("b", 2)), "new") << "it had been forgotten";
  EXPECT_TRUE(run_until([&] { return list(*directory).empty(); }));
  EXPECT_THAT(servers_[0]->ask("KEYS *"), HasSubstr("*0")) << "nothing stays behind";
}

TEST_F(RedisMembers, OfSeveralServersTheNewestCardCounts) {
  const auto directory = open(2);
  publish(*directory, worker("a", 1));
  servers_[0]->kill();
  EXPECT_TRUE(run_until([&] { return directory->servers_up() == 1; }));
  EXPECT_EQ(publish(*directory, worker("a", 2)), "known") << "the other knows it";
  EXPECT_THAT(list(*directory), ElementsAre("a/2"));
  servers_[0]->start();
  EXPECT_TRUE(run_until([&] { return directory->servers_up() == 2; }));
  EXPECT_EQ(came_up_, 3);
  const auto old = open(2);
  servers_[1]->freeze();
  EXPECT_EQ(publish(*directory, worker("a", 3)), "new") << "one answers";
  servers_[1]->thaw();
  EXPECT_TRUE(run_until([&] { return list(*old) == std::vector<std::string>{"a/3"}; }));
}

TEST_F(RedisMembers, WithoutAServerEachCallIsAnsweredWithAnError) {
  const auto directory = open(1);
  publish(*directory, worker("a"));
  servers_[0]->freeze();
  EXPECT_EQ(publish(*directory, worker("a", 2)), "unavailable");
  EXPECT_FALSE(run_until([&] { return directory->servers_up() > 0; }, std::chrono::milliseconds(1)));
  EXPECT_THAT(list(*directory), ElementsAre("unavailable"));
  EXPECT_THAT(drop(*directory, "http://10.0.0.1:8081"), HasSubstr("--messaging"));
  servers_[0]->thaw();
  EXPECT_TRUE(run_until([&] { return directory->servers_up() == 1; }));
  EXPECT_THAT(list(*directory), ElementsAre(testing::StartsWith("a/"))) << "what was sent it may have taken";
}

TEST_F(RedisMembers, AnEntryThatIsNoneOfOursIsPassedOver) {
  const auto directory = open(1);
  publish(*directory, worker("a"));
  servers_[0]->ask("SADD hearth:members strange");
  servers_[0]->ask("SET hearth:member:strange nonsense");
  EXPECT_THAT(list(*directory), ElementsAre("a/1"));
  EXPECT_EQ(publish(*directory, worker("two words")), "invalid_argument");
}

TEST_F(RedisMembers, DropsWhatALostWorkerHadAnnouncedAndNothingElse) {
  const auto directory = open(2);
  PlayedProcess& process = join("p", /*works=*/false);
  const auto of = [](const std::string& uri, const std::string& instance) {
    return model::Allocation{uri, instance, 0, 1, 128};
  };
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    process.messaging.announce_warm("v" + n, of("http://lost:1", "i" + n));
    process.messaging.announce_warm("v" + n, of("http://other:1", "j" + n));
  }
  process.messaging.announce_cold(of("http://lost:1", "c1"));
  process.messaging.announce_cold(of("http://lost:11", "c2"));
  settle(process);
  EXPECT_EQ(drop(*directory, "http://lost:1"), "301");
  EXPECT_EQ(drop(*directory, "http://lost:1"), "0");
  for (int i = 0; i < 300; i += 50) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(take(process, "v" + n), "j" + n);
    EXPECT_EQ(take(process, "v" + n), "");
  }
  EXPECT_EQ(take(process, "v", 128), "c2");
}

}  // namespace
}  // namespace hearth::messaging
