// The lease against a model of the rest: a store that crashes, shuts down and comes back, a server that is
// cut off or stopped at any step, and another that deploys. Whatever the order, within its lease the server
// lacks nothing that was acknowledged.
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "base/manual_event_loop.h"
#include "gateway/version_lease.h"

namespace hearth::gateway {
namespace {

using std::chrono::milliseconds;

// The store's clock and those of others may run faster than the follower's, by so much.
constexpr double kFaster = 1.08;

struct Store {
  bool serves = true;           // those who are connected
  bool takes_newcomers = true;  // false and serving: it shuts down when they have left
  int life = 1;                 // connections end with it
  std::uint64_t newest = 0;
  std::uint64_t row = 0;  // the follower's: how far it has come, and when it said so
  base::TimePoint renewed{};
};

struct Connection {
  int life = 0;  // 0: none
  base::TimePoint made{};
};

class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {
    follow();
    deploy();
    trouble_of_the_store();
    trouble_of_the_follower();
  }

  void run(std::chrono::seconds duration) { loop_.advance(duration); }

  std::uint64_t violations = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t over_the_follower = 0;  // changes acknowledged that it lacked
  std::uint64_t served_while_down = 0;

 private:
  int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
  bool one_in(int n) { return up_to(n - 1) == 0; }
  void after(int ms, std::function<void()> what) {
    loop_.at(loop_.now() + milliseconds(ms), std::move(what));
  }
  // The next step of the follower's or the deployer's, whose process may be stopped in between.
  void step(std::function<void()> what) { after(one_in(100) ? up_to(6'000) : up_to(20), std::move(what)); }
  base::BootTime now() const { return base::BootTime(loop_.now().time_since_epoch()); }

  bool alive(const Connection& connection) const { return store_.serves && connection.life == store_.life; }
  bool connected(Connection& connection) {
    if (!alive(connection)) {
      connection = {store_.takes_newcomers ? store_.life : 0, loop_.now()};
    }
    return alive(connection);
  }
  double age_ms(base::TimePoint since) const {
    return kFaster * std::chrono::duration<double, std::milli>(loop_.now() - since).count();
  }

  void check() { violations += lease_.holds(now()) && mirror_ < acknowledged_ ? 1U : 0U; }

  void follow() {
    step([this] {
      if (cut_off_ || !connected(follower_)) {
        fail();
        return;
      }
      const std::uint64_t seen = store_.newest;
      step([this, seen] {
        mirror_ = seen;
        lease_.applied(seen);
        check();
        confirm();
      });
    });
  }

  void confirm() {
    const base::BootTime sent = now();
    step([this, sent] {
      if (cut_off_ || !alive(follower_)) {
        fail();
        return;
      }
      store_.row = mirror_;
      store_.renewed = loop_.now();
      step([this, sent] {
        if (cut_off_ || !alive(follower_)) {
          fail();
          return;
        }
        step([this, sent, newest = store_.newest] {
          lease_.confirmed(sent, newest);
          check();
          after(newest > mirror_ ? 0 : up_to(500), [this] { follow(); });
        });
      });
    });
  }

  void fail() {
    after(up_to(200), [this] {
      const base::BootTime asked = now();
      step([this, asked] {
        const bool refused = !cut_off_ && !store_.takes_newcomers;
        step([this, asked, refused] {
          if (refused) {
            lease_.refused(asked, now());
            served_while_down += lease_.term(true).state(now()) == LeaseState::kStoreDown ? 1U : 0U;
            check();
          }
          follow();
        });
      });
    });
  }

  void deploy() {
    after(up_to(1'000), [this] {
      if (!connected(deployer_)) {
        deploy();
        return;
      }
      ++store_.newest;
      await(store_.newest);
    });
  }

  // As PostgresChangeFeed::await_followers() does it.
  void await(std::uint64_t change) {
    step([this, change] {
      if (!alive(deployer_)) {
        deploy();  // nobody is told that it was done
        return;
      }
      const bool behind = store_.row < change;
      const double lease = static_cast<double>(store::kFollowerLease.count());
      if ((behind && age_ms(store_.renewed) < lease) || age_ms(deployer_.made) < lease) {
        await(change);
        return;
      }
      step([this, change, behind] {
        const bool newcomer = !behind || store_.takes_newcomers;
        step([this, change, behind, newcomer] {
          if (!newcomer || (behind && !alive(deployer_))) {
            deploy();
            return;
          }
          step([this, change, behind] { acknowledge(change, behind); });
        });
      });
    });
  }

  void acknowledge(std::uint64_t change, bool behind) {
    acknowledged_ = change;
    ++acknowledged;
    over_the_follower += behind ? 1U : 0U;
    check();
    deploy();
  }

  void trouble_of_the_store() {
    after(up_to(8'000), [this] {
      store_.takes_newcomers = false;
      after(one_in(3) ? up_to(5'000) : 0, [this] {
        store_.serves = false;
        after(one_in(2) ? up_to(100) : up_to(8'000), [this] {
          ++store_.life;
          store_.serves = store_.takes_newcomers = true;
          trouble_of_the_store();
        });
      });
    });
  }

  void trouble_of_the_follower() {
    after(up_to(6'000), [this] {
      cut_off_ = true;
      follower_ = one_in(2) ? Connection() : follower_;
      after(up_to(4'000), [this] {
        cut_off_ = false;
        trouble_of_the_follower();
      });
    });
  }

  std::mt19937 random_;
  base::ManualEventLoop loop_;
  Store store_;
  Connection deployer_;
  std::uint64_t acknowledged_ = 0;  // the newest change whose maker was told so
  Connection follower_;
  bool cut_off_ = false;  // without a word
  std::uint64_t mirror_ = 0;
  VersionLease lease_;
};

TEST(VersionLeaseModel, WithinItsLeaseAServerLacksNothingThatWasAcknowledged) {
  std::uint64_t acknowledged = 0;
  std::uint64_t over_the_follower = 0;
  std::uint64_t served_while_down = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    Model model(seed);
    model.run(std::chrono::minutes(5));
    ASSERT_EQ(model.violations, 0U) << "seed " << seed;
    acknowledged += model.acknowledged;
    over_the_follower += model.over_the_follower;
    served_while_down += model.served_while_down;
  }
  EXPECT_GT(acknowledged, 10'000U);
  EXPECT_GT(over_the_follower, 1'000U) << "or the model shows nothing";
  EXPECT_GT(served_while_down, 1'000U);
}

}  // namespace
}  // namespace hearth::gateway
