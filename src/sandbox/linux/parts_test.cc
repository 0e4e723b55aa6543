// The adapter's pure parts: reading the host's cgroup mounts and the loader's answers, handing out
// uids, and the list of steps that docs/sandbox.md shows.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>

#include "sandbox/linux/cgroup_layout.h"
#include "sandbox/linux/child.h"
#include "sandbox/linux/library_closure.h"
#include "sandbox/linux/syscall_filter.h"
#include "sandbox/linux/uid_pool.h"

namespace hearth::sandbox {
namespace {

constexpr const char* kPureV2 =
    "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "31 23 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

constexpr const char* kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:3 master:1 - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(CgroupLayout, PureV2) {
  const auto layout = parse_cgroup_layout(kPureV2, "cpuset cpu io memory pids\n");
  ASSERT_TRUE(layout.ok());
  EXPECT_TRUE(layout->controllers_on_v2);
  EXPECT_EQ(layout->unified, "/sys/fs/cgroup");
}

TEST(CgroupLayout, HybridHasControllersOnV1) {
  const auto layout = parse_cgroup_layout(kHybrid, "hugetlb\n");
  ASSERT_TRUE(layout.ok());
  EXPECT_EQ(*layout, (CgroupLayout{false, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory",
                                   "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/pids"}));
}

TEST(CgroupLayout, MissingControllersAreNamed) {
  const auto layout = parse_cgroup_layout(kPureV2, "cpu pids\n");
  ASSERT_FALSE(layout.ok());
  EXPECT_EQ(layout.error().code, base::ErrorCode::kUnsupported);
  EXPECT_FALSE(parse_cgroup_layout("", "").ok());
  EXPECT_FALSE(parse_cgroup_layout("1 2 3\n- - -\n", "").ok());
}

TEST(LibraryClosure, ReadsTheLoadersList) {
  EXPECT_EQ(parse_loader_list("\tlinux-vdso.so.1 (0x00007ffd)\n"
                              "\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n"
                              "\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n"),
            (std::vector<std::string>{"/lib/x86_64-linux-gnu/libm.so.6", "/lib64/ld-linux-x86-64.so.2"}));
  EXPECT_TRUE(parse_loader_list("").empty());
}

TEST(LibraryClosure, StaticProgramsNeedNothing) {
  const auto closure = library_closure(HEARTH_SANDBOX_PROBE);
  ASSERT_TRUE(closure.ok()) << closure.error().message;
  EXPECT_TRUE(closure->empty());
}

TEST(LibraryClosure, DynamicProgramsNeedTheirLoaderAndLibraries) {
  const auto closure = library_closure(std::filesystem::read_symlink("/proc/self/exe"));
  ASSERT_TRUE(closure.ok()) << closure.error().message;
  const auto has = [&](const std::string& part) {
    return std::any_of(closure->begin(), closure->end(),
                       [&](const auto& path) { return path.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has("/libc.so.6"));
  EXPECT_TRUE(has("/ld-linux"));
}

TEST(LibraryClosure, ExtensionsThatDoNotLoadAreLeftOut) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const auto folder =
      std::filesystem::temp_directory_path() / ("hearth-extensions-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "broken.so") << "no shared object";
  const auto closure = extension_closure(program, folder);
  ASSERT_TRUE(closure.ok()) << closure.error().message;
  for (const auto& path : *closure) {
    EXPECT_FALSE(path.starts_with(folder.string())) << path;
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(extension_closure(program, folder).error().code, base::ErrorCode::kIo);
}

TEST(LibraryClosure, RefusesWhatIsNoProgram) {
  EXPECT_EQ(library_closure("/etc/passwd").error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(library_closure("/no/such").error().code, base::ErrorCode::kNotFound);
}

TEST(UidPool, HandsOutEachOnceAndInTurn) {
  UidPool pool(1000, 3);
  EXPECT_EQ(pool.take(), 1000U);
  EXPECT_EQ(pool.take(), 1001U);
  pool.give_back(1000);
  EXPECT_EQ(pool.take(), 1002U);
  EXPECT_EQ(pool.take(), 1000U);
  EXPECT_EQ(pool.take(), std::nullopt);
}

TEST(SyscallFilter, FitsWhatTheKernelTakes) {
  const auto filter = build_syscall_filter();
  ASSERT_TRUE(filter.ok()) << filter.error().message;
  EXPECT_GT(filter->size(), 100U);
  EXPECT_LE(filter->size(), 4096U);  // BPF_MAXINSNS
}

class StepsInTheDocuments : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("HEARTH_SOURCE_DIR") == nullptr) {
      GTEST_SKIP() << "HEARTH_SOURCE_DIR is not set";
    }
  }
  // From lines of the form "12. **name**: why" below this heading.
  static std::vector<std::string> documented(const std::string& heading) {
    std::ifstream in(std::string(std::getenv("HEARTH_SOURCE_DIR")) + "/docs/sandbox.md");
    std::vector<std::string> names;
    bool below = false;
    for (std::string line; std::getline(in, line);) {
      below = line.starts_with("## ") ? line == "## " + heading : below;
      const auto start = line.find(". **");
      const auto end = line.find("**:");
      if (below && start != std::string::npos && start <= 2 && end != std::string::npos) {
        names.push_back(line.substr(start + 4, end - start - 4));
      }
    }
    return names;
  }
  static std::vector<std::string> names_of(std::span<const NamedStep> steps) {
    std::vector<std::string> names;
    for (const auto& each : steps) {
      names.emplace_back(each.name);
    }
    return names;
  }
};

TEST_F(StepsInTheDocuments, AreInTheSameOrder) {
  EXPECT_EQ(documented("A start"), names_of(child_steps()));
  EXPECT_EQ(documented("A start from a zygote"), names_of(zygote_steps()));
}

// In the document they are told as what differs.
TEST_F(StepsInTheDocuments, AForkTakesThoseOfAStartButThree) {
  auto expected = names_of(child_steps());
  std::erase(expected, "reset signals");
  std::erase(expected, "raise oom score");
  std::erase(expected, "execute");
  const auto after = [&](const std::string& step, const std::string& one_more) {
    expected.insert(std::ranges::find(expected, step) + 1, one_more);
  };
  after("become user", "be readable");  // whose change would undo it
  after("die with parent", "leave launcher");
  EXPECT_EQ(names_of(fork_steps()), expected);
}

}  // namespace
}  // namespace hearth::sandbox
