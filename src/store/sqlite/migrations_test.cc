#include "store/sqlite/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/execution_conformance.h"
#include "store/sqlite/sqlite_execution_store.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

using base::ErrorCode;
using testing::AllOf;
using testing::HasSubstr;

// A database as the first release has written it. Never to be changed: users have such files.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT;
INSERT INTO schema_migrations VALUES (1, 'functions and versions', 1760000000000);
CREATE TABLE functions (
  id             TEXT PRIMARY KEY,
  name           TEXT UNIQUE,      -- NULL: none was given
  display_name   TEXT NOT NULL,
  current_number INTEGER NOT NULL,
  created_ms     INTEGER NOT NULL,
  updated_ms     INTEGER NOT NULL,
  FOREIGN KEY (id, current_number) REFERENCES versions (function_id, number) DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE TABLE versions (
  id          TEXT PRIMARY KEY,
  function_id TEXT NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
  number      INTEGER NOT NULL,
  runtime     TEXT NOT NULL,
  handler     TEXT NOT NULL,
  memory_mb   INTEGER NOT NULL,
  timeout_ms  INTEGER NOT NULL,
  concurrency INTEGER NOT NULL,
  environment TEXT NOT NULL,       -- a JSON object of strings
  code_digest TEXT NOT NULL,
  code_bytes  INTEGER NOT NULL,
  UNIQUE (function_id, number)
) STRICT;
CREATE INDEX versions_by_code ON versions (code_digest);
CREATE INDEX functions_by_creation ON functions (created_ms, id);
BEGIN;
INSERT INTO functions VALUES ('0c9b6d0e-0000-4000-8000-000000000001', 'greet', 'Greeter', 2, 1000, 2000);
INSERT INTO versions VALUES ('0c9b6d0e-0000-4000-8000-0000000000a1', '0c9b6d0e-0000-4000-8000-000000000001', 1,
  'node', 'index', 128, 30000, 1, '{}', 'aaaa', 10);
INSERT INTO versions VALUES ('0c9b6d0e-0000-4000-8000-0000000000a2', '0c9b6d0e-0000-4000-8000-000000000001', 2,
  'node', 'main.greet', 256, 5000, 2, '{"GREETING":"Hello"}', 'bbbb', 20);
INSERT INTO functions VALUES ('0c9b6d0e-0000-4000-8000-000000000002', NULL, '', 1, 1001, 1001);
INSERT INTO versions VALUES ('0c9b6d0e-0000-4000-8000-0000000000b1', '0c9b6d0e-0000-4000-8000-000000000002', 1,
  'python', 'index', 512, 30000, 1, '{}', 'cccc', 30);
COMMIT;
)sql";

class MigrationsTest : public testing::Test {
 protected:
  // A database file that holds what `sql` makes.
  void make(const char* sql) {
    auto connection = Connection::open(file());
    ASSERT_TRUE(connection.ok()) << connection.error().message;
    const auto run = (*connection)->run(sql);
    ASSERT_TRUE(run.ok()) << run.error().message;
  }
  std::string schema(Connection& connection) {
    auto statement = connection.prepare(
        "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema "
        "WHERE name <> 'schema_migrations' ORDER BY name)");
    Query query(connection, *statement);
    EXPECT_TRUE(*query.next("read the schema"));
    return query.text(0);
  }
  std::string file(const char* name = "/hearth.db") const { return folder_.path() + name; }

 private:
  TestFolder folder_;
};

TEST_F(MigrationsTest, ADatabaseOfTheFirstReleaseIsRead) {
  make(kVersion1);
  const auto database = Database::open(file(), {});
  ASSERT_TRUE(database.ok()) << database.error().message;
  const auto functions = SqliteFunctionStore::open(**database);
  ASSERT_TRUE(functions.ok());
  const auto greet = (*functions)->find("greet");
  ASSERT_TRUE(greet.ok());
  EXPECT_EQ(greet->display_name, "Greeter");
  EXPECT_EQ(greet->current.number, 2U);
  EXPECT_EQ(greet->current.handler, "main.greet");
  EXPECT_EQ(greet->current.environment.at("GREETING"), "Hello");
  EXPECT_EQ(greet->current.created_ms, 2000);
  EXPECT_EQ((*functions)->find_version(greet->id, 1)->created_ms, 0) << "nobody noted it";
  EXPECT_EQ(greet->revision, 1U);
  EXPECT_TRUE(greet->aliases.empty());
  EXPECT_EQ((*functions)->change(greet->id, model::Alias{"live", 1, std::nullopt, 0}, 3000)->revision, 2U);
  EXPECT_EQ((*functions)->list()->size(), 2U);
  EXPECT_TRUE((*functions)->create(sample_function(1)).ok());
  EXPECT_THAT(*(*functions)->remove(greet->id), testing::Contains("aaaa"));
}

TEST_F(MigrationsTest, ExecutionsOfAReleaseWithoutKindsAreCallsWithTheirInputsApart) {
  {
    auto connection = Connection::open(file());
    ASSERT_TRUE(migrate(**connection, migrations().first(5)).ok());
  }
  make(R"sql(
INSERT INTO executions (id, function_id, version, state, input_bytes, submitted_ms, accepted_ms, due_ms, lease,
  lease_until_ms, started_ms) VALUES ('e1', 'f', 0, 0, 2, 1000, 1000, 1000, 0, 0, 0),
  ('e2', 'f', 0, 1, 2, 1000, 1000, 0, 1, 9000, 1000);
INSERT INTO execution_inputs VALUES (1, '{}'), (2, '{}');
)sql");
  const auto database = Database::open(file(), {});
  ASSERT_TRUE(database.ok()) << database.error().message;
  const auto executions = SqliteExecutionStore::open(**database);
  ASSERT_TRUE(executions.ok());
  EXPECT_EQ((*executions)->backlog()->at(0), (Backlog{"f", 2, 4}));
  EXPECT_EQ((*executions)->release_all(2'000).value(), 1U);
  ClaimRequest request{2'000, 9'000, 10, 10, UINT64_MAX, {}, {}};
  request.kind = model::ExecutionKind::kWebhook;
  EXPECT_THAT(*(*executions)->claim(request), testing::IsEmpty());
  request.kind = model::ExecutionKind::kCall;
  const auto claimed = (*executions)->claim(request);
  ASSERT_EQ(claimed->size(), 2U);
  EXPECT_EQ(claimed->at(0).depth, 0U);
  EXPECT_EQ(*claimed->at(0).input, "{}");
  ExecutionStore::Writes writes;
  writes.settlements.push_back(done(claimed->at(0).lease));
  EXPECT_TRUE((*executions)->write(writes)->settled.at(0));
  {
    Session session(**database);
    const auto statement = session.connection().prepare("SELECT count(*) FROM execution_inputs");
    Query query(session.connection(), *statement);
    ASSERT_TRUE(query.next("count the inputs").ok());
    EXPECT_EQ(query.number(0), 1) << "who is done needs none";
  }
  EXPECT_EQ((*executions)->find("e1")->parent_id, "");
}

TEST_F(MigrationsTest, TheFirstStepHasNotChanged) {
  make(kVersion1);
  auto old = Connection::open(file());
  auto fresh = Connection::open(file("/fresh.db"));
  ASSERT_TRUE(migrate(**fresh, migrations().first(1)).ok());
  EXPECT_EQ(schema(**fresh), schema(**old));
}

TEST_F(MigrationsTest, ANewerDatabaseIsRefusedAndNotTouched) {
  make(kVersion1);
  make("INSERT INTO schema_migrations VALUES (999, 'from the future', 0)");
  const auto database = Database::open(file(), {});
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(database.error().message,
              AllOf(HasSubstr("999"), HasSubstr("newer hearth"), HasSubstr(file())));
}

TEST_F(MigrationsTest, StepsAreNumberedFromOneWithoutGaps) {
  int expected = 1;
  for (const Migration& step : migrations()) {
    EXPECT_EQ(step.version, expected++);
  }
}

TEST_F(MigrationsTest, EachStepIsTakenOnce) {
  auto connection = Connection::open(file());
  const Migration steps[] = {{1, "one", "CREATE TABLE one (a)"}, {2, "two", "CREATE TABLE two (a)"}};
  ASSERT_TRUE(migrate(**connection, std::span(steps).first(1)).ok());
  ASSERT_TRUE(migrate(**connection, steps).ok());
  ASSERT_TRUE(migrate(**connection, steps).ok());
  EXPECT_TRUE((*connection)->run("DELETE FROM one; DELETE FROM two").ok());
}

TEST_F(MigrationsTest, AStepThatFailsLeavesTheDatabaseAsItWas) {
  auto connection = Connection::open(file());
  const Migration broken[] = {{1, "one", "CREATE TABLE one (a)"},
                              {2, "two", "CREATE TABLE two (a); INSERT INTO nowhere VALUES (1)"}};
  const auto failed = migrate(**connection, broken);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, AllOf(HasSubstr("migration 2 (two)"), HasSubstr("nowhere")));
  EXPECT_FALSE((*connection)->in_transaction());
  const Migration mended[] = {broken[0], {2, "two", "CREATE TABLE two (a)"}};
  EXPECT_TRUE(migrate(**connection, mended).ok());
}

}  // namespace
}  // namespace hearth::store::sqlite
