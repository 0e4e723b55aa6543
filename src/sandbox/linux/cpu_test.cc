// How sandboxes share the processor: hard caps and weights. Takes seconds, as CPU time has to pass.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sandbox/linux/linux_backend.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

constexpr double kTolerance = 0.1;

class Cpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "sandboxes are made by root";
    }
    auto options = linux_options(unique_tag());
    options.cgroup_parent = "hearth-cpu-" + std::to_string(::getpid());
    auto made = LinuxBackend::create(options);
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    driver_.emplace(*backend_);
    outweigh_the_host(options.cgroup_parent);
  }

  // Whatever else runs on this machine must not be measured.
  static void outweigh_the_host(const std::string& parent) {
    const auto layout = detect_cgroup_layout();
    ASSERT_TRUE(layout.ok());
    if (layout->controllers_on_v2) {
      std::ofstream(layout->unified + "/" + parent + "/cpu.weight") << 10'000;
    } else {
      std::ofstream(layout->cpu + "/" + parent + "/cpu.shares") << 262'144;
    }
  }

  // A probe that spins on one processor from the moment that `go` is called.
  Running start_spinning(int milliseconds, std::uint32_t weight, std::uint32_t millicores) {
    auto spec = driver_->probe_spec({"spin", std::to_string(milliseconds), "0"});
    spec.limits.cpu_weight = weight;
    spec.limits.cpu_millicores = millicores;
    auto running = driver_->start(spec);
    EXPECT_TRUE(running.ok());
    return std::move(*running);
  }
  static void go(const Running& running) { EXPECT_EQ(::write(running.requests.get(), "g", 1), 1); }

  // Seconds of CPU time that it had.
  static double used(const Running& running) {
    return std::atof(parse_lines(read_some(running.out)).at("used").c_str()) / 1e6;
  }

  std::unique_ptr<LinuxBackend> backend_;
  std::optional<Driver> driver_;
};

TEST_F(Cpu, ACapHolds) {
  const auto running = start_spinning(1'000, 128, 250);
  go(running);
  EXPECT_NEAR(used(running), 0.25, 0.06);  // a period of 100 ms more or less at either end
}

TEST_F(Cpu, ACapIsLiftedAndSetOnALivingOne) {
  const auto running = start_spinning(500, 128, 100);
  ASSERT_TRUE(backend_->set_limits(running.name, Limits{}).ok());
  go(running);
  EXPECT_GT(used(running), 0.15);
}

TEST_F(Cpu, WeightsShareOneProcessor) {
  const auto light = start_spinning(2'000, 128, 0);
  const auto heavy = start_spinning(2'000, 512, 0);
  go(light);
  go(heavy);
  const double ratio = used(heavy) / used(light);
  EXPECT_NEAR(ratio, 4.0, 4.0 * kTolerance);
}

}  // namespace
}  // namespace hearth::sandbox::testing
