// What only the Linux adapter can promise: a process inside sees, reaches and takes nothing but what it
// was given. Every denial has its control: the same attempt by the same probe outside (the fake adapter,
// as root), where it succeeds. Where it does not, the host cannot show the difference: the test skips.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "sandbox/fake/fake_backend.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/testing/adapters.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20U;

class Isolation : public ::testing::TestWithParam<Begin> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "sandboxes are made by root";
    }
    ASSERT_NO_FATAL_FAILURE(make());
    outside_backend_ = std::move(FakeBackend::create(tag_)).value();
    outside_.emplace(*outside_backend_);
  }
  void make() {
    inside_.reset();
    backend_.reset();
    auto made = LinuxBackend::create(options());
    ASSERT_TRUE(made.ok()) << made.error().message;
    backend_ = std::move(*made);
    inside_.emplace(*backend_, GetParam());
    if (GetParam() == Begin::kForked) {
      ASSERT_NO_FATAL_FAILURE(inside_->await_zygote());
    }
  }
  LinuxOptions options() {
    auto options = linux_options(tag_);
    if (GetParam() == Begin::kForked) {
      options.zygotes = {probe_zygote()};
    }
    return options;
  }

  // Every attempt of `command` that succeeds outside fails inside; returns what happened inside.
  std::map<std::string, std::string> expect_denied(const std::string& command) {
    const auto control = parse_lines(outside_->run_probe({command}).out);
    auto denied = parse_lines(inside_->run_probe({command}).out);
    EXPECT_FALSE(control.empty());
    for (const auto& [name, result] : denied) {
      const auto allowed = control.find(name);
      if (allowed == control.end() || allowed->second != "0") {
        std::printf("not testable here: %s (outside: %s)\n", name.c_str(),
                    allowed == control.end() ? "-" : allowed->second.c_str());
      } else {
        EXPECT_NE(result, "0") << name << " succeeded inside";
      }
    }
    return denied;
  }

  std::set<std::string> list_inside(const std::string& path) {
    std::set<std::string> names;
    std::istringstream lines(inside_->run_probe({"list", path}).out);
    for (std::string line; std::getline(lines, line);) {
      names.insert(line);
    }
    return names;
  }
  std::string cat_inside(const std::string& path) { return inside_->run_probe({"cat", path}).out; }

  const std::string tag_ = unique_tag();
  std::unique_ptr<LinuxBackend> backend_;
  std::unique_ptr<FakeBackend> outside_backend_;
  std::optional<Driver> inside_, outside_;
};

std::string errno_text(int number) { return std::to_string(number); }

std::map<std::string, std::string> status_of(const std::string& text) {
  std::map<std::string, std::string> fields;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto colon = line.find(":\t");
    if (colon != std::string::npos) {
      fields[line.substr(0, colon)] = line.substr(colon + 2);
    }
  }
  return fields;
}

TEST_P(Isolation, HasNoPrivilege) {
  const auto status = status_of(cat_inside("/proc/self/status"));
  for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(status.at(set), "0000000000000000") << set;
  }
  EXPECT_EQ(status.at("NoNewPrivs"), "1");
  EXPECT_EQ(status.at("Seccomp"), "2");
  EXPECT_EQ(status.at("Groups"), " ");
  EXPECT_EQ(status.at("Pid"), "1");
  const auto uid = status.at("Uid").substr(0, status.at("Uid").find('\t'));
  EXPECT_GE(std::stoul(uid), linux_options(tag_).uid_base);
  EXPECT_EQ(status.at("Uid"), uid + "\t" + uid + "\t" + uid + "\t" + uid);
  EXPECT_EQ(status.at("Gid"), status.at("Uid"));
}

// Gives this process an inheritable capability, which neither a change of uid nor exec takes away.
class InheritableCapability {
 public:
  InheritableCapability() {
    ::syscall(SYS_capget, &header_, old_.data());
    auto raised = old_;
    raised[0].inheritable |= 1U << static_cast<unsigned>(CAP_NET_RAW);
    EXPECT_EQ(::syscall(SYS_capset, &header_, raised.data()), 0);
  }
  InheritableCapability(const InheritableCapability&) = delete;
  InheritableCapability& operator=(const InheritableCapability&) = delete;
  ~InheritableCapability() { ::syscall(SYS_capset, &header_, old_.data()); }

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> old_{};
};

TEST_P(Isolation, InheritsNoPrivilege) {
  const InheritableCapability raised;
  ASSERT_NO_FATAL_FAILURE(make());  // once more, for a zygote would be as it was
  EXPECT_NE(status_of(outside_->run_probe({"cat", "/proc/self/status"}).out).at("CapInh"),
            "0000000000000000");
  EXPECT_EQ(status_of(cat_inside("/proc/self/status")).at("CapInh"), "0000000000000000");
}

TEST_P(Isolation, UidsOfTheLivingDiffer) {
  std::set<std::string> uids;
  std::vector<Running> all;
  for (int i = 0; i < 3; ++i) {
    auto running = inside_->start(inside_->probe_spec({"hang"}));
    ASSERT_TRUE(running.ok());
    ASSERT_EQ(read_some(running->out), "ready\n");
    all.push_back(std::move(*running));
    uids.insert(status_of(cat_inside("/proc/self/status")).at("Uid"));
  }
  EXPECT_EQ(uids.size(), 3U);
}

TEST_P(Isolation, SeesOnlyTheComposedRoot) {
  std::set<std::string> expected = {"code", "dev", "etc", "proc", "tmp"};
  const std::string probe = HEARTH_SANDBOX_PROBE;
  expected.insert(probe.substr(1, probe.find('/', 1) - 1));
  if (std::filesystem::exists("/usr/share/zoneinfo") ||
      std::filesystem::exists("/usr/share/ca-certificates")) {
    expected.insert("usr");
  }
  EXPECT_EQ(list_inside("/"), expected);
  EXPECT_EQ(list_inside("/dev"), (std::set<std::string>{"fd", "full", "null", "random", "shm", "stderr",
                                                        "stdin", "stdout", "urandom", "zero"}));
  auto etc = list_inside("/etc");
  etc.erase("ssl");
  EXPECT_EQ(etc, (std::set<std::string>{"group", "hosts", "nsswitch.conf", "passwd", "resolv.conf"}));
  EXPECT_TRUE(list_inside("/code").empty());
  EXPECT_TRUE(list_inside("/tmp").empty());
  // Of a folder of the host that leads to the probe, the probe alone.
  EXPECT_EQ(list_inside(probe.substr(0, probe.rfind('/'))),
            (std::set<std::string>{probe.substr(probe.rfind('/') + 1)}));
}

TEST_P(Isolation, ItsMountsAreThoseOfTheComposedRoot) {
  std::istringstream lines(cat_inside("/proc/self/mountinfo"));
  int roots = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skipped, point, options;
    words >> skipped >> skipped >> skipped >> skipped >> point >> options;
    roots += point == "/" ? 1 : 0;
    const bool writable = options.starts_with("rw,");
    EXPECT_TRUE(!writable || point == "/tmp") << line;
    EXPECT_FALSE(point.starts_with("/sys") || point.starts_with("/run")) << line;
  }
  EXPECT_EQ(roots, 1);
}

TEST_P(Isolation, SeesOnlyItsOwnProcesses) {
  std::set<std::string> pids;
  for (const auto& name : list_inside("/proc")) {
    if (std::isdigit(static_cast<unsigned char>(name.front())) != 0) {
      pids.insert(name);
    }
  }
  EXPECT_EQ(pids, (std::set<std::string>{"1"}));
  EXPECT_EQ(cat_inside("/proc/sys/kernel/hostname"), "hearth\n");
  EXPECT_EQ(cat_inside("/proc/self/cgroup").find("hearth"), std::string::npos);
}

TEST_P(Isolation, ItsOwnFilesInProcCanBeRead) {
  EXPECT_NE(cat_inside("/proc/self/auxv"), "errno " + errno_text(EACCES) + "\n");
}

TEST_P(Isolation, FilesOfTheHostInProcAreMasked) {
  for (const auto* path :
       {"/proc/cmdline", "/proc/keys", "/proc/kallsyms", "/proc/modules", "/proc/interrupts"}) {
    if (std::ifstream(path).peek() == std::ifstream::traits_type::eof()) {
      std::printf("not testable here: %s is empty on the host\n", path);
    }
    EXPECT_TRUE(cat_inside(path) == "" || !std::filesystem::exists(path)) << path;
  }
  EXPECT_TRUE(list_inside("/proc/irq").empty());
  EXPECT_NE(cat_inside("/proc/cpuinfo"), "");
  EXPECT_NE(cat_inside("/proc/meminfo"), "");
}

TEST_P(Isolation, NothingButTmpCanBeWritten) {
  const CodeFolder code;
  const auto file = code.path() + "/" + CodeFolder::kFile;
  ::chmod(code.path().c_str(), 0777);
  ::chmod(file.c_str(), 0666);
  const auto control =
      parse_lines(outside_->run(outside_->probe_spec({"write", file, code.path() + "/new"})).out);
  EXPECT_EQ(control.at(file), "0");
  ::unlink((code.path() + "/new").c_str());

  const std::vector<std::string> denied = {"/new",
                                           "/code/index.js",
                                           "/code/new",
                                           "/dev/new",
                                           "/etc/passwd",
                                           "/etc/new",
                                           HEARTH_SANDBOX_PROBE,
                                           "/proc/sys/kernel/hostname",
                                           "/proc/sys/net/ipv4/ip_forward",
                                           "/proc/self/oom_score_adj",
                                           "/proc/self/exe",
                                           "/proc/self/cwd/index.js"};
  std::vector<std::string> arguments = {"write", "/tmp/new", "/dev/shm/new", "/dev/null"};
  arguments.insert(arguments.end(), denied.begin(), denied.end());
  auto results = parse_lines(inside_->run(inside_->probe_spec(arguments), code.open()).out);
  for (const auto* allowed : {"/tmp/new", "/dev/shm/new", "/dev/null"}) {
    EXPECT_EQ(results.at(allowed), "0") << allowed;
  }
  for (const auto& path : denied) {
    EXPECT_TRUE(results.at(path) == errno_text(EROFS) || results.at(path) == errno_text(EACCES) ||
                results.at(path) == errno_text(ETXTBSY))
        << path << ": " << results.at(path);
  }
  EXPECT_EQ(results.at("/code/index.js"), errno_text(EROFS));
  EXPECT_EQ(results.at("/code/new"), errno_text(EROFS));
  EXPECT_EQ(results.at("/proc/self/oom_score_adj"), errno_text(EROFS));
}

TEST_P(Isolation, TmpIsBounded) {
  auto spec = inside_->probe_spec({"fill-tmp"});
  spec.limits.tmp_bytes = 8 * kMiB;
  spec.limits.tmp_files = 100;
  const auto lines = inside_->run(spec).out;
  EXPECT_NE(lines.find("bytes " + std::to_string(8 * kMiB) + " errno " + errno_text(ENOSPC)),
            std::string::npos)
      << lines;
  const auto files = std::atoi(parse_lines(lines).at("files").c_str());
  EXPECT_GE(files, 90);
  EXPECT_LE(files, 100);
}

TEST_P(Isolation, TmpCountsAsMemory) {
  auto spec = inside_->probe_spec({"fill-tmp"});
  spec.limits.memory_bytes = 32 * kMiB;
  spec.limits.tmp_bytes = 128 * kMiB;
  EXPECT_EQ(inside_->run(spec).exit.reason, ExitReason::kOutOfMemory);
}

TEST_P(Isolation, OpenFilesAreBounded) {
  auto spec = inside_->probe_spec({"open-many"});
  spec.limits.open_files = 64;
  EXPECT_EQ(inside_->run(spec).out, "opened 59 errno " + errno_text(EMFILE) + "\n");
}

TEST_P(Isolation, AForkBombIsContainedAndDiesWithinASecond) {
  auto spec = inside_->probe_spec({"fork-bomb"});
  spec.limits.processes = 50;
  auto running = inside_->start(spec);
  ASSERT_TRUE(running.ok());
  const auto said = parse_lines(read_some(running->out));
  EXPECT_LE(std::atoi(said.at("forked").c_str()), 49);
  EXPECT_NE(said.at("forked").find("errno " + errno_text(EAGAIN)), std::string::npos);
  const auto asked = std::chrono::steady_clock::now();
  backend_->remove(spec.name);
  ASSERT_TRUE(inside_->wait_exit(spec.name).has_value());
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(1));
  EXPECT_EQ(count_processes(spec.name), 0);
}

TEST_P(Isolation, MountsAndNamespacesAreDenied) {
  const auto inside = expect_denied("try-mounts");
  for (const auto* call : {"unshare", "setns", "mount", "chroot", "open_tree", "fsopen"}) {
    EXPECT_EQ(inside.at(call), errno_text(EPERM))
        << call;  // by the filter's list, not by want of a capability
  }
  EXPECT_EQ(inside.at("clone-user"), errno_text(ENOSYS));
}

TEST_P(Isolation, WideKernelInterfacesAreDenied) { expect_denied("try-kernel"); }

TEST_P(Isolation, OnlyOrdinarySocketsCanBeMade) {
  for (const auto& [name, result] : parse_lines(inside_->run_probe({"try-ordinary-sockets"}).out)) {
    EXPECT_EQ(result, "0") << name;
  }
  for (const auto& [name, result] : parse_lines(inside_->run_probe({"try-sockets"}).out)) {
    EXPECT_EQ(result, errno_text(ENOSYS)) << name;  // the filter, before any module is looked for
  }
}

TEST_P(Isolation, NobodyElseCanBeBecome) { expect_denied("try-identity"); }

TEST_P(Isolation, ForeignArchitecturesEndTheProcess) {
  const auto outside = parse_lines(outside_->run_probe({"try-architectures"}).out);
  const auto inside = parse_lines(inside_->run_probe({"try-architectures"}).out);
  const auto killed = "signal " + std::to_string(SIGSYS);
  for (const auto& [name, result] : outside) {
    if (result == "0") {
      EXPECT_EQ(inside.at(name), killed) << name;
    } else {
      std::printf("not testable here: %s\n", name.c_str());
    }
  }
}

TEST_P(Isolation, OrdinaryCallsWork) {
  for (const auto& [name, result] : parse_lines(inside_->run_probe({"try-ordinary"}).out)) {
    EXPECT_EQ(result, "0") << name;
  }
}

TEST_P(Isolation, LoopbackIsTheOnlyInterface) {
  std::istringstream lines(cat_inside("/proc/net/dev"));
  std::vector<std::string> interfaces;
  for (std::string line; std::getline(lines, line);) {
    if (const auto colon = line.find(':'); colon != std::string::npos) {
      interfaces.push_back(line.substr(line.find_first_not_of(' '), colon - line.find_first_not_of(' ')));
    }
  }
  EXPECT_EQ(interfaces, std::vector<std::string>{"lo"});
  EXPECT_NE(cat_inside("/proc/net/fib_trie").find("127.0.0.1"), std::string::npos) << "lo is down";
}

TEST_P(Isolation, TheNumberOfUidsBoundsTheSandboxes) {
  auto few = options();
  few.tag = unique_tag();
  few.uid_count = 2;
  auto backend = LinuxBackend::create(few);
  ASSERT_TRUE(backend.ok()) << backend.error().message;
  Driver driver(**backend);
  std::vector<Running> all;
  for (int i = 0; i < 2; ++i) {
    auto running = driver.start(driver.probe_spec({"hang"}));
    ASSERT_TRUE(running.ok());
    all.push_back(std::move(*running));
  }
  auto refused = driver.start(driver.probe_spec({"hang"}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, base::ErrorCode::kExhausted);
  (*backend)->remove(all.front().name);
  ASSERT_TRUE(driver.wait_exit(all.front().name).has_value());
  EXPECT_TRUE(driver.start(driver.probe_spec({"hang"})).ok());
}

INSTANTIATE_TEST_SUITE_P(Begins, Isolation, ::testing::Values(Begin::kExecuted, Begin::kForked),
                         [](const auto& each) {
                           return each.param == Begin::kExecuted ? "Executed" : "Forked";
                         });

}  // namespace
}  // namespace hearth::sandbox::testing
