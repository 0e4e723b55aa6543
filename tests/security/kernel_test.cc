// Attempts 34 to 40: to reach more of the kernel than a runtime needs.
#include <gmock/gmock.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

// What the list says of each number: "allowed", "denied" or "kernel".
std::map<int, std::string> listed() {
  std::map<int, std::string> verdicts;
  const char* const root = std::getenv("HEARTH_SOURCE_DIR");
  std::ifstream file(std::string(root == nullptr ? "." : root) + "/tests/security/system_calls.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    int number = 0;
    std::string verdict;
    if (words >> number >> verdict) {  // no heading
      verdicts[number] = verdict;
    }
  }
  return verdicts;
}

class Kernel : public Security {};

// 18, 21 as to making devices, 34
TEST_F(Kernel, MountsRootsAndNamespacesCannotBeChanged) { expect_denied("try-mounts"); }

// 25, 31, 35, 39, 40
TEST_F(Kernel, WideInterfacesAreClosed) { expect_denied("try-kernel"); }

// 36
TEST_F(Kernel, ForeignArchitecturesEndTheProcess) {
  EXPECT_EQ(probe_outside({"try-architectures"}).find("i386 signal"), std::string::npos);
  EXPECT_EQ(probe_inside({"try-architectures"}), "i386 signal 31\nx32 signal 31\n");
}

// 37: with zeros, against tests/security/system_calls.txt. There is no control: as root outside some of them
// would do what they say.
TEST_F(Kernel, EverySystemCallAnswersAsTheListSays) {
  const auto verdicts = listed();
  ASSERT_FALSE(verdicts.empty());
  std::istringstream lines(probe_inside({"sweep"}));
  std::size_t swept = 0;
  for (std::string line; std::getline(lines, line); ++swept) {
    const std::size_t space = line.find(' ');
    const int number = std::stoi(line.substr(0, space));
    const std::string result = line.substr(space + 1);
    const auto verdict = verdicts.find(number);
    if (verdict == verdicts.end()) {
      EXPECT_EQ(result, std::to_string(ENOSYS)) << number << " is not listed, so it is unknown";
    } else if (verdict->second == "denied") {
      EXPECT_EQ(result, std::to_string(EPERM)) << number;
    } else {
      EXPECT_THAT(verdict->second, testing::AnyOf("allowed", "kernel")) << number;
    }
  }
  EXPECT_EQ(swept, 512U);
}

// 38
TEST_F(Kernel, OnlyOrdinarySocketsCanBeMade) {
  expect_denied("try-sockets");
  EXPECT_EQ(probe_inside({"try-ordinary-sockets"}), probe_outside({"try-ordinary-sockets"}));
}

}  // namespace
}  // namespace hearth::security
