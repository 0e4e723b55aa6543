// A power cut at every sync point, and between them: nothing that was acknowledged is lost, and a weaker
// `synchronous` is seen to lose. HEARTH_POWER_CUTS: how many cuts, HEARTH_POWER_SEED: the first run's seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "store/conformance.h"
#include "store/sqlite/migrations.h"
#include "store/sqlite/testing/power_cut_run.h"

namespace hearth::store::sqlite {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kCuts = 1'000;
#else
constexpr std::size_t kCuts = 2'500;  // 10,000: tools/dev faults
#endif
constexpr int kChangesOfARun = 100;
constexpr std::size_t kCutsUntilALoss = 2'000;
constexpr int kMigrationRounds = 3;

// With what every schema has.
constexpr const char* kOldFunction = R"sql(
BEGIN;
INSERT INTO functions (id, name, display_name, current_number, created_ms, updated_ms)
  VALUES ('f', 'old', 'Old', 1, 5, 6);
INSERT INTO versions (id, function_id, number, runtime, handler, memory_mb, timeout_ms, concurrency, environment,
                      code_digest, code_bytes)
  VALUES ('v', 'f', 1, 'node', 'index.handler', 128, 1000, 1, '{}', 'd', 7);
COMMIT;
)sql";

std::size_t number_of(const char* variable, std::size_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

unsigned first_seed() {
  const auto seed = static_cast<unsigned>(number_of("HEARTH_POWER_SEED", std::random_device{}()));
  std::printf("seed %u\n", seed);
  return seed;
}

void print(const char* what, const PowerCutCounts& counts) {
  std::printf("%s: %zu cuts, %zu of them of a recovery, at %zu sync points, %zu of them of a checkpoint\n",
              what, counts.cuts, counts.cuts_of_recovery, counts.sync_points, counts.checkpoints);
}

// Level and what the connection says that it has.
std::string level(std::optional<int> synchronous) {
  const auto disk = new_disk();
  auto stores = StoresOnDisk::open(*disk, synchronous);
  Session session(*stores.value()->database);
  const auto statement = session.connection().prepare("PRAGMA synchronous");
  Query query(session.connection(), *statement);
  return query.next("read the level").ok() ? query.text(0) : "none";
}

TEST(PowerCut, TheStoreAsksForFullSyncs) {
  EXPECT_EQ(level(std::nullopt), "2");
  EXPECT_EQ(level(1), "1");
  EXPECT_EQ(level(0), "0");
}

TEST(PowerCut, NothingThatWasAcknowledgedIsLost) {
  const std::size_t wanted = number_of("HEARTH_POWER_CUTS", kCuts);
  PowerCutCounts counts;
  unsigned runs = 0;
  for (unsigned seed = first_seed(); counts.cuts < wanted; ++seed, ++runs) {
    PowerCutRun run({seed, std::nullopt, runs % 2 == 1}, counts);
    ASSERT_THAT(run.run(kChangesOfARun), IsEmpty()) << "HEARTH_POWER_SEED=" << seed << " repeats it";
  }
  print("synchronous=FULL", counts);
  EXPECT_GT(counts.sync_points, 0U);
  EXPECT_GT(counts.cuts_of_recovery, counts.cuts / 20);
}

// The first loss that such a store is caught with; empty: none in so many cuts.
std::string first_loss(int synchronous, std::size_t cuts) {
  PowerCutCounts counts;
  for (unsigned seed = first_seed(); counts.cuts < cuts; ++seed) {
    PowerCutRun run({seed, synchronous, false}, counts);
    for (const std::string& violation : run.run(kChangesOfARun)) {
      if (violation.find("lost: ") != std::string::npos) {
        std::printf("after %zu cuts: %s\n", counts.cuts, violation.c_str());
        return violation;
      }
    }
  }
  return {};
}

TEST(PowerCut, AWeakerStoreIsSeenToLose) {
  EXPECT_THAT(first_loss(1, kCutsUntilALoss), HasSubstr("lost: ")) << "synchronous=NORMAL";
  EXPECT_THAT(first_loss(0, kCutsUntilALoss), HasSubstr("lost: ")) << "synchronous=OFF";
}

// A database as an older hearth has left it: so many migrations, and a function.
std::unique_ptr<SimulatedDisk> old_disk(std::size_t migrated) {
  auto disk = new_disk();
  const MountedDisk mounted(*disk);
  const auto connection = Connection::open(mounted.database_path());
  EXPECT_TRUE(connection.ok());
  EXPECT_TRUE(migrate(**connection, migrations().first(migrated)).ok());
  if (migrated > 0) {
    EXPECT_TRUE((*connection)->run(kOldFunction).ok());
  }
  return disk;
}

// Opens it, and everything that a cut while it is opened has left: every one is migrated, and has what it
// had.
void expect_migrated_whatever_is_cut(std::size_t migrated, std::mt19937& dice, PowerCutCounts& counts) {
  const auto disk = old_disk(migrated);
  PowerCutter cutter(*disk, dice, counts);
  Rows rows;
  {
    const auto stores = StoresOnDisk::open(*disk);
    ASSERT_TRUE(stores.ok()) << stores.error().message;
    EXPECT_EQ((*stores)->functions->list()->size(), migrated > 0 ? 1U : 0U);
    rows = rows_of(*(*stores)->database);
    cutter.acknowledged();
  }
  const ExecutionHistory nothing;
  PowerCutCheck check(dice, counts, std::nullopt, 1'000);
  for (const PowerCut& cut : cutter.take()) {
    ASSERT_THAT(check.violations(cut, {rows, rows, nothing, nothing}), IsEmpty())
        << "from migration " << migrated << " on";
  }
}

TEST(PowerCut, AMigrationIsTakenWhereverItIsCut) {
  std::mt19937 dice(first_seed());
  PowerCutCounts counts;
  for (int round = 0; round < kMigrationRounds; ++round) {
    for (std::size_t migrated = 0; migrated <= migrations().size(); ++migrated) {
      expect_migrated_whatever_is_cut(migrated, dice, counts);
    }
  }
  print("migrations", counts);
}

}  // namespace
}  // namespace hearth::store::sqlite
