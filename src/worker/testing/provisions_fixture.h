// The worker's heart with instances that are kept started, which a test has come up and end. Tests only.
#pragma once

#include <string>

#include "worker/testing/worker_fixture.h"

namespace hearth::worker::worker_test {

using std::chrono::seconds;

class WorkerProvisions : public WorkerTest {
 protected:
  void provide(const std::string& id, std::uint32_t count, std::uint32_t memory_mb = 128) {
    worker_->provide({version(id, memory_mb), "f", count});
    EXPECT_TRUE(worker_->ledger_is_exact());
  }
  std::uint32_t ready(const std::string& id = "v") { return worker_->provisioned_ready("function of " + id); }
  void load(const std::string& instance) {
    instances_.events->loaded(instance, {});
    loop_.advance(milliseconds(10));  // the rest after it
    EXPECT_TRUE(worker_->ledger_is_exact());
  }
  void load_last() { load(instances_.started.back()); }
  // All that are wanted come up, one after the other.
  void load_all() {
    for (; loaded_ < instances_.started.size(); ++loaded_) {
      load(instances_.started[loaded_]);
    }
  }
  void provide_and_load(const std::string& id, std::uint32_t count, std::uint32_t memory_mb = 128) {
    provide(id, count, memory_mb);
    load_all();
    ASSERT_EQ(ready(id), count);
  }
  void fail(const std::string& instance) {
    instances_.events->start_failed(instance, {model::OutcomeKind::kInitFailed, {}, {}}, {}, {});
    end(instance);
  }
  void end(const std::string& instance) {
    instances_.events->ended(instance);
    EXPECT_TRUE(worker_->ledger_is_exact());
  }
  void end_stopped() {
    for (; ended_ < instances_.stopped.size(); ++ended_) {
      end(instances_.stopped[ended_]);
    }
  }
  std::size_t starts() const { return instances_.started.size(); }

  std::size_t loaded_ = 0;
  std::size_t ended_ = 0;
};

}  // namespace hearth::worker::worker_test
