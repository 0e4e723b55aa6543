// A server whose disk is full, fails, or is slow, under load of both kinds: synchronous calls do not need it,
// and nothing that was acknowledged is lost. HEARTH_FAULT_ROUNDS: how often (3), HEARTH_FAULT_SEED: when.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/rounds.h"
#include "tests/faults/stored_executions.h"
#include "tests/faults/submitters.h"
#include "tests/support/faulty_system.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FaultySystem;
using test::HearthServer;
using test::Submitters;

constexpr seconds kLease{2};

class Disk : public testing::Test {
 protected:
  Disk() : generator_(announced_seed()), system_(folder_.path()) {
    mounted_ = ::mount("tmpfs", disk_.path().c_str(), "tmpfs", 0, "size=96m,mode=755") == 0;
  }
  ~Disk() override {
    end_load();
    server_.reset();
    if (mounted_) {
      EXPECT_EQ(::umount2(disk_.path().c_str(), MNT_DETACH), 0);
    }
  }
  void SetUp() override {
    ASSERT_TRUE(mounted_);
    start();
    server_->create_js(Submitters::kFunction, {{"name", "f"}});
    server_->create_js("module.exports = (word) => word", {{"name", "echo"}});
  }

  void start() {
    HearthServer::Options options;
    options.data_dir = disk_.path() + "/data";
    options.flags = {"--async-min-free-disk", "1",
                     "--async-retry-delay",   "20ms",
                     "--async-lease",         std::to_string(kLease.count()) + "s"};
    options.environment = system_.environment();
    const auto started = std::make_shared<HearthServer>(options);
    const std::lock_guard lock(mutex_);
    server_ = started;
  }
  std::shared_ptr<HearthServer> server() {
    const std::lock_guard lock(mutex_);
    return server_;
  }

  void begin_load() {
    Submitters::Options options;
    options.connect = [this](int) { return server()->connect(seconds(10)); };
    options.pause = milliseconds(4);
    options.more_bytes = 1'000;
    submitters_ = std::make_unique<Submitters>(options);
    wait_for_accepted(50);
  }
  void end_load() {
    if (submitters_) {
      submitters_->stop();
    }
    stopping_ = true;
    if (caller_.joinable()) {
      caller_.join();
    }
  }
  // Synchronous calls, of which none may fail.
  void begin_calls() {
    caller_ = std::thread([this] {
      const auto client = server()->connect();
      for (int i = 0; !stopping_; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const auto reply = client->request(http::Method::kPost, "/functions/echo/invoke", std::to_string(i));
        const auto took = std::chrono::steady_clock::now() - began;
        const bool good = reply && reply->status == 200;
        EXPECT_TRUE(good) << (reply ? reply->body : reply.error().message);
        const std::lock_guard lock(mutex_);
        took_.push_back(std::chrono::duration_cast<milliseconds>(took));
      }
    });
    EXPECT_TRUE(test::eventually([this] { return calls() > 20; }, seconds(30)));
  }
  std::size_t calls() {
    const std::lock_guard lock(mutex_);
    return took_.size();
  }
  milliseconds median() {
    const std::lock_guard lock(mutex_);
    const auto middle = took_.begin() + static_cast<std::ptrdiff_t>(took_.size() / 2);
    std::ranges::nth_element(took_, middle);
    return *middle;
  }

  void wait_for_accepted(std::size_t more) const {
    const std::size_t before = submitters_->accepted();
    EXPECT_TRUE(test::eventually([&] { return submitters_->accepted() >= before + more; }, seconds(30)));
  }
  std::size_t refused(const std::string& how) const { return submitters_->refusals()[how]; }
  void some_time() { std::this_thread::sleep_for(milliseconds(100 + generator_() % 700)); }

  // `cuts`: how often the server ended, or could not extend its leases.
  void check(std::size_t cuts) {
    wait_for_accepted(20);
    end_load();
    const auto get = [this](const std::string& target) { return server_->get(target); };
    const auto seen = test::expect_all_done(get, submitters_->history(), {"worker_lost"});
    std::size_t unknown = 0;
    for (const auto& [how, count] : submitters_->refusals()) {
      std::cout << count << " times " << how << std::endl;
      unknown += how == "0 " || how.starts_with("5") ? count : 0;
    }
    EXPECT_LE(seen.stored, submitters_->accepted() + unknown);
    EXPECT_LE(seen.again, cuts * 256);
  }

  // A failing disk is the end of the process: nothing is tried twice. The next finds all.
  void expect_end_and_recover() {
    EXPECT_EQ(server_->wait_for_end(seconds(20)), 1) << server_->log();
    EXPECT_NE(server_->log().find("disk"), std::string::npos) << server_->log();
    system_.faults().sync_fails = false;
    system_.faults().write_fails = false;
    start();
    wait_for_accepted(20);
  }

  const test::ScratchFolder folder_;
  const test::ScratchFolder disk_;
  bool mounted_ = false;
  std::mt19937_64 generator_;
  FaultySystem system_;
  std::mutex mutex_;
  std::shared_ptr<HearthServer> server_;  // guarded by mutex_
  std::vector<milliseconds> took_;        // guarded by mutex_: each synchronous call
  std::unique_ptr<Submitters> submitters_;
  std::thread caller_;
  std::atomic<bool> stopping_ = false;
};

TEST_F(Disk, ThatIsFullRefusesSubmissionsAndNothingElse) {
  begin_load();
  begin_calls();
  const std::string filler = disk_.path() + "/filler";
  std::size_t long_ones = 0;
  for (std::uint64_t i = 0; i < fault_rounds(3); ++i) {
    some_time();
    const auto full_since = std::chrono::steady_clock::now();
    {
      std::ofstream file(filler, std::ios::binary);
      const std::string page(4'096, 'f');
      while (file.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
      }
    }
    const std::size_t before = calls();
    const auto refusals = [&] { return refused("507 storage") + refused("503 queue_full"); };
    const std::size_t refused_before = refusals();
    EXPECT_TRUE(
        test::eventually([&] { return refusals() > refused_before && calls() > before + 20; }, seconds(30)));
    some_time();
    std::filesystem::remove(filler);
    // Each third of its time a lease is extended: two such moments in a row may lie in this.
    long_ones += std::chrono::steady_clock::now() - full_since > kLease / 2 ? 1 : 0;
    wait_for_accepted(20);
  }
  check(long_ones);
  EXPECT_EQ(server_->stop(), 0);
}

TEST_F(Disk, WhoseSyncFailsEndsTheServerAndNothingIsLost) {
  begin_load();
  for (std::uint64_t i = 0; i < fault_rounds(3); ++i) {
    some_time();
    system_.faults().sync_fails = true;
    expect_end_and_recover();
  }
  check(fault_rounds(3));
}

TEST_F(Disk, WhoseWritesFailEndsTheServerAndNothingIsLost) {
  begin_load();
  for (std::uint64_t i = 0; i < fault_rounds(3); ++i) {
    some_time();
    system_.faults().write_fails = true;
    expect_end_and_recover();
  }
  check(fault_rounds(3));
}

TEST_F(Disk, ThatIsSlowDelaysAcknowledgementsAloneAndManyShareEach) {
  constexpr milliseconds kSync{200};
  server_->invoke("echo", "1");
  system_.faults().sync_takes_ms = kSync.count();
  Submitters::Options options;
  options.connect = [this](int) { return server()->connect(seconds(30)); };
  options.count = 40;
  const std::int64_t syncs = system_.faults().syncs;
  submitters_ = std::make_unique<Submitters>(options);
  begin_calls();
  wait_for_accepted(200);
  const std::int64_t commits = system_.faults().syncs - syncs;
  EXPECT_LT(commits, static_cast<std::int64_t>(submitters_->accepted() / 3)) << "each is shared by many";
  EXPECT_LT(median(), kSync / 2) << "synchronous calls do not wait for the disk";
  system_.faults().sync_takes_ms = 0;
  check(0);
  std::cout << commits << " syncs, a synchronous call took " << median().count() << " ms" << std::endl;
}

}  // namespace
}  // namespace hearth::faults
