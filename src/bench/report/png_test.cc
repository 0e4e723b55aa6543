// The drawing by rsvg-convert: its result, its refusals and its absence.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench/report/report.h"
#include "bench/report/sample_runs_test_support.h"

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;

class Png : public testing::Test {
 protected:
  Png() {
    std::string name = (fs::temp_directory_path() / "hearth-png-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Png() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::string path() const { return (folder_ / "chart.png").string(); }

  fs::path folder_;
};

bool can_draw() {
  const char* path = std::getenv("PATH");
  std::string folders = path == nullptr ? "" : path;
  for (std::size_t end = folders.find(':'); !folders.empty(); end = folders.find(':')) {
    if (::access((folders.substr(0, end) + "/rsvg-convert").c_str(), X_OK) == 0) {
      return true;
    }
    folders = end == std::string::npos ? "" : folders.substr(end + 1);
  }
  return false;
}

// PATH with one folder alone, until the end of the scope.
class OnlyPath {
 public:
  explicit OnlyPath(const std::string& folder) {
    const char* path = ::getenv("PATH");
    before_ = path == nullptr ? "" : path;
    ::setenv("PATH", folder.c_str(), 1);
  }
  ~OnlyPath() { ::setenv("PATH", before_.c_str(), 1); }
  OnlyPath(const OnlyPath&) = delete;
  OnlyPath& operator=(const OnlyPath&) = delete;

 private:
  std::string before_;
};

TEST_F(Png, IsWrittenForEveryKindOfChart) {
  if (!can_draw()) {
    GTEST_SKIP() << "rsvg-convert is not installed (package librsvg2-bin)";
  }
  for (const auto* test : {"concurrency", "backoff", "payload", "coldburst", "runtimes", "compare"}) {
    for (const Chart& chart : charts({made_run(test)})) {
      const auto written = write_png(chart, path());
      ASSERT_TRUE(written) << chart.name << ": " << written.error().message;
      std::ifstream in(path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(in), {});
      EXPECT_TRUE(bytes.starts_with("\x89PNG\r\n\x1a\n")) << chart.name;
      EXPECT_GT(bytes.size(), 2'000U) << chart.name;
    }
  }
}

TEST_F(Png, HostileNamesStillMakeAWellFormedDrawing) {
  if (!can_draw()) {
    GTEST_SKIP() << "rsvg-convert is not installed (package librsvg2-bin)";
  }
  RunResult run = made_run("concurrency");
  for (Sample& sample : run.samples) {
    sample.target = "</text><a href='file:///x'>&\"\x02\xff\xED\xA0\x80" + sample.target;
  }
  for (const Chart& chart : charts({run})) {
    const auto written = write_png(chart, path());
    EXPECT_TRUE(written) << written.error().message;
  }
}

TEST_F(Png, RefusalsSayWhatTheProgramSaid) {
  if (!can_draw()) {
    GTEST_SKIP() << "rsvg-convert is not installed (package librsvg2-bin)";
  }
  const auto broken = write_png({"broken", "<svg><unclosed"}, path());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, base::ErrorCode::kIo);
  EXPECT_GT(broken.error().message.size(), 45U) << broken.error().message;
  const auto nowhere =
      write_png(charts({made_run("backoff")}).front(), (folder_ / "no" / "such.png").string());
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, base::ErrorCode::kIo);
}

TEST_F(Png, AProgramThatDoesNotEndIsEnded) {
  const fs::path program = folder_ / "rsvg-convert";
  std::ofstream(program) << "#!/bin/sh\nexec >/dev/null 2>&1\nexec /bin/sleep 600\n";
  fs::permissions(program, fs::perms::owner_all);
  const OnlyPath stuck(folder_.string());
  const auto written = write_png({"any", "<svg/>"}, path(), std::chrono::milliseconds(50));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, base::ErrorCode::kTimeout) << written.error().message;
}

TEST_F(Png, AbsenceSaysWhatToInstall) {
  const OnlyPath without(folder_.string());
  const auto written = write_png({"any", "<svg/>"}, path());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, base::ErrorCode::kUnsupported);
  EXPECT_NE(written.error().message.find("librsvg2-bin"), std::string::npos) << written.error().message;
}

}  // namespace
}  // namespace hearth::bench
