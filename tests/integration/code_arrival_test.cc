// How the code of a large function arrives at its first instances, on the real server.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearth_server.h"
#include "tests/support/npm_sized_code.h"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;

std::uint64_t peak_kib(pid_t process) {
  std::istringstream lines(read_file(fmt::format("/proc/{}/status", process)));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stoull(line.substr(6));
    }
  }
  return 0;
}

// The peak counts from now on.
void forget_peak(pid_t process) { std::ofstream(fmt::format("/proc/{}/clear_refs", process)) << "5"; }

// What the code cache has, but for what it is about to be made of.
std::vector<std::string> unpacked(const HearthServer& server) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(server.data_dir())) {
    if (entry.is_directory() && fs::exists(entry.path() / "node_modules")) {
      names.push_back(entry.path().filename());
    }
  }
  return names;
}

TEST(CodeArrival, FirstCallsOfALargeFunctionWaitForOneUnpackingThatTakesNoMemory) {
  constexpr int kCallers = 8;
  constexpr std::uint64_t kMostKib = 6 * 1'024;  // of 10 MiB
  HearthServer server({.flags = {"--memory", "2048"}, .data_dir = ""});
  const std::string id = server.create(npm_sized_code());
  forget_peak(server.pid());
  const std::uint64_t before_kib = peak_kib(server.pid());
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  callers.reserve(kCallers);
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&] { answered += server.invoke(id).status == 200 ? 1 : 0; });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_EQ(answered, kCallers);
  EXPECT_LT(peak_kib(server.pid()) - before_kib, kMostKib);
  ASSERT_EQ(unpacked(server).size(), 1U);
  EXPECT_EQ(unpacked(server)[0].size(), 64U) << "its digest; nothing half made";
}

}  // namespace
}  // namespace hearth::test
