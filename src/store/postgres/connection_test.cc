#include "store/postgres/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/postgres/testing/postgres_server.h"

namespace hearth::store::postgres {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

TEST(PostgresUrl, IsCheckedAndShownWithoutItsPassword) {
  EXPECT_EQ(check_url("postgres://hearth:secret@db.example:5432/hearth?sslmode=verify-full"), "");
  EXPECT_THAT(check_url("postgres://hearth@db/hearth?sslmud=require"), HasSubstr("sslmud"));
  EXPECT_NE(check_url("postgres://[::1/hearth"), "");
  EXPECT_EQ(without_password("postgres://hearth:secret@db:5432/x"), "postgres://hearth:…@db:5432/x");
  EXPECT_EQ(without_password("postgres://hearth@db:5432/x"), "postgres://hearth@db:5432/x");
  EXPECT_EQ(without_password("postgres://hearth:sec@ret@db/x?user=a@b"), "postgres://hearth:…@db/x?user=a@b");
  EXPECT_EQ(without_password("postgres://db/x?user=a&password=secret&sslmode=require"),
            "postgres://db/x?user=a&password=…&sslmode=require");
}

class PostgresConnection : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    url_ = PostgresServer::shared().make_database();
  }

  std::unique_ptr<Connection> connect(milliseconds statement = milliseconds(5'000)) const {
    auto connection = Connection::connect(url_, {milliseconds(5'000), statement});
    EXPECT_TRUE(connection.ok()) << connection.error().message;
    return std::move(*connection);
  }

  std::string url_;
};

TEST_F(PostgresConnection, ValuesComeBackAsTheyWere) {
  const auto connection = connect();
  const std::string bytes("a\0b\xff\\x41", 8);
  const auto rows = connection->run({"all", "SELECT $1::text, $2::bigint, $3::bytea, $4::text IS NULL"},
                                    {Parameter::text("it's ünïcode"), Parameter::number(INT64_MIN),
                                     Parameter::bytes(bytes), Parameter::null()});
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  EXPECT_EQ(rows->text(0, 0), "it's ünïcode");
  EXPECT_EQ(rows->number(0, 1), INT64_MIN);
  EXPECT_EQ(rows->bytes(0, 2), bytes);
  EXPECT_EQ(rows->text(0, 3), "t");
}

TEST_F(PostgresConnection, ATextWithNulIsRefusedAndNotCut) {
  const auto connection = connect();
  const auto rows =
      connection->run({"one", "SELECT $1::text"}, {Parameter::text(std::string_view("a\0b", 3))});
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(connection->broken());
}

TEST_F(PostgresConnection, ARefusedStatementLeavesTheConnectionUsable) {
  const auto connection = connect();
  const auto bad = connection->run({"bad", "SELECT nothing FROM nowhere"}, {});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::kIo);
  EXPECT_THAT(bad.error().message, HasSubstr("nowhere"));
  EXPECT_FALSE(connection->broken());
  EXPECT_TRUE(connection->run({"good", "SELECT 1"}, {}).ok());
}

TEST_F(PostgresConnection, WhatIsNotAnsweredInTimeEndsIt) {
  const auto connection = connect(milliseconds(100));
  const auto late = connection->run({"late", "SELECT pg_sleep(10)"}, {});
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(late.error().message, HasSubstr("--store-timeout"));
  EXPECT_TRUE(connection->broken());
}

TEST_F(PostgresConnection, AServerThatIsStoppedIsWaitedForNoLongerThanTheTimeout) {
  const auto connection = connect(milliseconds(100));
  PostgresServer::shared().pause();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(connection->run({"one", "SELECT 1"}, {}).ok());
  const auto refused = Connection::connect(url_, {milliseconds(100), milliseconds(100)});
  EXPECT_FALSE(refused.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(2'000));
  PostgresServer::shared().go_on();
}

TEST_F(PostgresConnection, WhoeverRefusesIsNamedWithoutThePassword) {
  const auto nobody = Connection::connect("postgres://hearth:secret@127.0.0.1:1/x", {});
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(nobody.error().message, testing::AllOf(HasSubstr("127.0.0.1"), Not(HasSubstr("secret"))));
  const auto unknown = Connection::connect(url_ + "x", {});
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("does not exist"));
}

}  // namespace
}  // namespace hearth::store::postgres
