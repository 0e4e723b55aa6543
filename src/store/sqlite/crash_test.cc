// kill -9 at random moments: what was acknowledged is there afterwards, and nothing half done is left.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <sstream>

#include "base/ids.h"
#include "store/sqlite/killed_child.h"
#include "store/sqlite/store_under_test.h"

namespace hearth::store::sqlite {
namespace {

constexpr int kRounds = 20;

// Deploys, redeploys and deletes until it is killed. Each line is written after its change was
// acknowledged: "<id> <version number> <digest>", number 0 when the function was removed.
[[noreturn]] void change_until_killed(const std::string& path, int out, unsigned seed) {
  OpenStore store(path);
  std::mt19937 dice(seed);
  base::SystemRandom random;
  const auto acknowledge = [out](const std::string& id, std::uint32_t number, const std::string& digest) {
    const std::string line = id + " " + std::to_string(number) + " " + digest + "\n";
    if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
      ::_exit(1);
    }
  };
  for (;;) {
    model::Function function = sample_function(0);
    function.name.clear();
    function.id = function.current.function_id = base::make_guid(random);
    function.current.id = base::make_guid(random);
    function.current.code_digest = store_bytes(store.code, "code of " + function.id)->digest;
    if (!store.functions->create(function)) {
      ::_exit(1);
    }
    acknowledge(function.id, 1, function.current.code_digest);
    if (dice() % 2 == 0) {
      model::Version next = sample_version(function);
      next.id = base::make_guid(random);
      next.code_digest = store_bytes(store.code, "second code of " + function.id)->digest;
      if (!store.functions->add_version(next, 1)) {
        ::_exit(1);
      }
      acknowledge(function.id, 2, next.code_digest);
    }
    if (dice() % 4 == 0) {
      acknowledge(function.id, store.functions->remove(function.id) ? 0 : 9, "-");
    }
  }
}

struct Acknowledged {
  unsigned number = 0;
  std::string digest;
};
using History = std::map<std::string, Acknowledged>;

// Lets a child work for a random number of acknowledgements and a random moment more, kills it, and
// adds what it acknowledged to `history`. Returns the function that its last line names.
std::string run_and_kill(const std::string& path, std::mt19937& dice, History& history) {
  const auto seed = static_cast<unsigned>(dice());
  std::istringstream stream(
      told_until_killed(dice, 4'000, [&](int out) { change_until_killed(path, out, seed); }));
  std::string id;
  std::string last;
  for (Acknowledged change; stream >> id >> change.number >> change.digest; last = id) {
    history[id] = change;
  }
  return last;
}

// `in_flight`: a change of it may have been made and not acknowledged.
void expect_acknowledged(OpenStore& store, const History& history, const std::string& in_flight) {
  for (const auto& [id, change] : history) {
    const auto found = store.functions->find(id);
    const unsigned number = found.ok() ? found->current.number : 0;
    if (id == in_flight && number != change.number) {
      EXPECT_TRUE(change.number > 0 && (number == 0 || number == change.number + 1)) << id;
      continue;
    }
    ASSERT_EQ(number, change.number) << id;
    if (found.ok()) {
      EXPECT_EQ(found->current.code_digest, change.digest);
      EXPECT_TRUE(store.code.open(change.digest).ok());
    }
  }
}

TEST(Crash, AcknowledgedChangesSurviveKill9AtAnyMoment) {
  const unsigned seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 dice(seed);
  const TestFolder folder;
  const std::string path = folder.path() + "/data";
  History history;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round));
    const std::string last = run_and_kill(path, dice, history);
    OpenStore store(path);
    EXPECT_TRUE(std::filesystem::is_empty(path + "/tmp"));
    expect_acknowledged(store, history, last);
    const auto all = store.functions->list();
    ASSERT_TRUE(all.ok());
    for (const model::Function& function : *all) {  // every function that exists has its code
      EXPECT_TRUE(store.code.open(function.current.code_digest).ok()) << function.id;
      history.try_emplace(function.id, Acknowledged{function.current.number, function.current.code_digest});
    }
    if (const auto settled = store.functions->find(last); !last.empty()) {
      history[last] = settled.ok() ? Acknowledged{settled->current.number, settled->current.code_digest}
                                   : Acknowledged{0, "-"};
    }
  }
  std::printf("%zu functions after %d kills\n", history.size(), kRounds);
}

}  // namespace
}  // namespace hearth::store::sqlite
