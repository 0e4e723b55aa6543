// What a Redis URL may look like, and what is said of one that may not.
#include "messaging/redis/redis_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::messaging {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::string_view text) {
  const auto url = parse_redis_url(text);
  return url ? "taken" : url.error().message;
}

TEST(RedisUrl, NamesWhatItHasAndTakesDefaultsForTheRest) {
  EXPECT_EQ(parse_redis_url("redis://cache").value(), (RedisUrl{"cache", 6379, "", "", 0}));
  EXPECT_EQ(parse_redis_url("redis://cache/").value(), (RedisUrl{"cache", 6379, "", "", 0}));
  EXPECT_EQ(parse_redis_url("redis://10.0.0.1:7000/3").value(), (RedisUrl{"10.0.0.1", 7000, "", "", 3}));
  EXPECT_EQ(parse_redis_url("redis://[::1]:7000").value(), (RedisUrl{"::1", 7000, "", "", 0}));
  EXPECT_EQ(parse_redis_url("redis://[::1]").value(), (RedisUrl{"::1", 6379, "", "", 0}));
  EXPECT_EQ(parse_redis_url("redis://me:secret@h:1/2").value(), (RedisUrl{"h", 1, "me", "secret", 2}));
  EXPECT_EQ(parse_redis_url("redis://:p%40ss@h").value(), (RedisUrl{"h", 6379, "", "p@ss", 0}));
  EXPECT_EQ(parse_redis_url("redis://:a:b@h").value(), (RedisUrl{"h", 6379, "", "a:b", 0}));
}

TEST(RedisUrl, RefusesWhatItCannotReadAndSaysWhatIsTaken) {
  for (const std::string_view text : {"",
                                      "cache:6379",
                                      "http://cache",
                                      "redis://",
                                      "redis://:6379",
                                      "redis://h:",
                                      "redis://h:0",
                                      "redis://h:65536",
                                      "redis://h:+1",
                                      "redis://h:1x",
                                      "redis://h/x",
                                      "redis://h/-1",
                                      "redis://h/1/2",
                                      "redis://[::1",
                                      "redis://[::1]7000",
                                      "redis://me@h",
                                      "redis://me:@h",
                                      "redis://me:%4@h",
                                      "redis://me:%zz@h",
                                      "redis://a b"}) {
    EXPECT_THAT(refusal_of(text), HasSubstr("redis://[USER:PASSWORD@]HOST[:PORT][/DB]")) << text;
  }
}

TEST(RedisUrl, RefusesTlsWithAWordOnWhatToDo) {
  const auto url = parse_redis_url("rediss://h");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().code, base::ErrorCode::kUnsupported);
  EXPECT_THAT(url.error().message, HasSubstr("TLS"));
}

TEST(RedisUrl, IsShownWithoutItsSecret) {
  EXPECT_EQ(without_secret(parse_redis_url("redis://me:secret@h/2").value()), "redis://h:6379/2");
  EXPECT_EQ(without_secret(parse_redis_url("redis://[::1]:7000").value()), "redis://[::1]:7000/0");
  EXPECT_THAT(refusal_of("redis://me:secret@h:x"), testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace hearth::messaging
