// A trace's folder: which files are taken, and what is said when they are not as they should be.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "trace/azure_trace.h"

namespace hearth::trace {
namespace {

constexpr const char* kInvocations = "HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,7\n";

class TraceFiles : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }
  std::string error() {
    const auto trace = read_trace(folder_);
    return trace ? "none" : trace.error().message;
  }

  const std::string folder_ = testing::TempDir() + "hearth-trace-" + std::to_string(::getpid());
};

TEST_F(TraceFiles, TakesTheFilesByTheirNames) {
  write("invocations_per_function_md.anon.d01.csv", kInvocations);
  write("app_memory_percentiles.anon.d01.csv",
        "HashOwner,HashApp,AverageAllocatedMb,AverageAllocatedMb_pct100\no,a,1,2\n");
  write("README.md", "not a file of the trace");
  const auto trace = read_trace(folder_);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->functions.size(), 1U);
  EXPECT_EQ(trace->functions[0].memory, (MemoryUse{1, 2}));
  EXPECT_FALSE(trace->functions[0].runs);
}

TEST_F(TraceFiles, SaysWhatIsMissing) {
  EXPECT_EQ(error(), folder_ + " has no file *invocations*.csv");
  EXPECT_NE(read_trace("/nowhere/at/all").error().message.find("/nowhere/at/all: No such file"),
            std::string::npos);
}

TEST_F(TraceFiles, SaysWhichOfTwoFilesAreOneTooMany) {
  write("invocations.d01.csv", kInvocations);
  write("invocations.d02.csv", kInvocations);
  EXPECT_EQ(error(), folder_ + " has two files of invocations: invocations.d01.csv and invocations.d02.csv");
}

TEST_F(TraceFiles, RefusesAFileThatIsTooLargeBeforeItIsRead) {
  write("invocations.csv", "");
  std::filesystem::resize_file(folder_ + "/invocations.csv", kMostFileBytes + 1);
  EXPECT_EQ(error(), folder_ + "/invocations.csv has 536870913 bytes, and at most 536870912 are read");
}

TEST_F(TraceFiles, RefusesAFolderWithTheNameOfAFile) {
  std::filesystem::create_directory(folder_ + "/invocations.csv");
  EXPECT_NE(error(), "none");
}

}  // namespace
}  // namespace hearth::trace
