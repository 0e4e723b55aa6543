#include <fcntl.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "archive/archive.h"
#include "base/base64.h"
#include "base/json_text.h"
#include "base/unique_fd.h"
#include "cli/code_package.h"
#include "cli/deploy_settings.h"
#include "cli/exit_code.h"
#include "cli/fake_api.h"
#include "cli/upload_body.h"

namespace hearth::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using enum http::Method;
namespace fs = std::filesystem;

constexpr const char* kCreated =
    R"({"id":"1-2","name":"greet","version":1,"memorySize":128,"timeout":30000})";
constexpr const char* kNone = R"({"error":{"code":"not_found","message":"none"}})";

class Deploy : public CommandTest {
 protected:
  Deploy() {
    std::string pattern = testing::TempDir() + "hearth-deploy-test-XXXXXX";
    folder_ = fs::path(::mkdtemp(pattern.data())) / "greet";
    fs::create_directory(folder_);
  }
  ~Deploy() override { fs::remove_all(folder_.parent_path()); }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  // The files inside the zip that a request's body carried.
  std::vector<std::string> uploaded_paths(const std::string& body) const {
    const std::string text(base::json_member(body, "zipFile").value_or("\"\""));
    base::Base64Decoder decoder;
    std::string zip;
    EXPECT_TRUE(decoder.feed(std::string_view(text).substr(1, text.size() - 2), zip));
    EXPECT_TRUE(decoder.finish(zip));
    const fs::path file = folder_.parent_path() / "uploaded.zip";
    std::ofstream(file, std::ios::binary) << zip;
    const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const auto contents = archive::inspect(fd.get(), {});
    EXPECT_TRUE(contents);
    return contents ? contents->paths : std::vector<std::string>{};
  }

  fs::path folder_;
};

TEST_F(Deploy, CreatesWithTheFoldersNameAndHonoursTheIgnoreFile) {
  write("index.js", "module.exports = () => 1");
  write("lib/a.js", "");
  write("notes.txt", "private");
  write(".hearthignore", "notes.txt\n.hearthignore\n");
  expect(kGet, "/functions/greet", 404, kNone);
  expect(kPost, "/functions", 201, kCreated);
  EXPECT_EQ(hearth({"deploy", folder_.string() + "/"}), kOk) << err();
  EXPECT_THAT(out(), HasSubstr("created greet: version 1, 2 files"));
  EXPECT_THAT(out(), HasSubstr("hearth invoke greet"));
  EXPECT_EQ(err(), "") << "no progress where there is no terminal";
  EXPECT_EQ(base::json_member(script_.bodies[1], "name"), "\"greet\"");
  EXPECT_FALSE(base::json_member(script_.bodies[1], "memorySize")) << "defaults are the server's";
  EXPECT_THAT(uploaded_paths(script_.bodies[1]), ElementsAre("index.js", "lib/a.js"));
}

TEST_F(Deploy, ReplacesCodeAndOnlyGivenSettings) {
  write("app.js", "");
  expect(kGet, "/functions/other", 200,
         R"({"id":"1-2","name":"other","handler":"app.main","runtime":"node"})");
  expect(kPut, "/functions/1-2/code", 200, R"({"id":"1-2","version":4,"memorySize":256,"timeout":1500})");
  EXPECT_EQ(hearth({"deploy", folder_, "--name", "other", "--timeout", "1500ms", "--memory", "256", "--env",
                    "A=b=c", "--env", "D="}),
            kOk)
      << err();
  EXPECT_THAT(out(), HasSubstr("updated other: version 4, 1 file in"));
  const std::string& body = script_.bodies[1];
  EXPECT_EQ(base::json_member(body, "timeout"), "1500");
  EXPECT_EQ(base::json_member(body, "memorySize"), "256");
  EXPECT_EQ(base::json_member(body, "environment"), R"({"A":"b=c","D":""})");
  EXPECT_FALSE(base::json_member(body, "name"));
  EXPECT_FALSE(base::json_member(body, "handler"));
  EXPECT_TRUE(base::json_member(body, "zipFile"));
}

TEST_F(Deploy, TakesAZipAsItIs) {
  write("index.mjs", "");
  const std::string zip = folder_.parent_path() / "site.zip";
  ASSERT_TRUE(archive::pack_folder(folder_, zip, {}));
  expect(kGet, "/functions/site", 404, kNone);
  expect(kPost, "/functions", 201, kCreated);
  EXPECT_EQ(hearth({"deploy", zip, "--json"}), kOk) << err();
  EXPECT_EQ(out(), std::string(kCreated) + "\n");
  EXPECT_THAT(uploaded_paths(script_.bodies[1]), ElementsAre("index.mjs"));
}

TEST_F(Deploy, WhatCannotWorkIsToldBeforeTheUpload) {
  EXPECT_EQ(hearth({"deploy", "/nowhere/at-all"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("no folder or zip '/nowhere/at-all'"));

  write("main.js", "");
  expect(kGet, "/functions/greet", 404, kNone);
  EXPECT_EQ(hearth({"deploy", folder_}), kUsage);
  EXPECT_THAT(err(), HasSubstr("there is no index.js"));

  write("broken.zip", "PK not a zip");
  EXPECT_EQ(hearth({"deploy", folder_ / "broken.zip"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("broken.zip"));

  EXPECT_EQ(hearth({"deploy", folder_, "--env", "novalue"}), kUsage);
  EXPECT_THAT(err(), HasSubstr("'novalue' is not NAME=VALUE"));
  EXPECT_EQ(hearth({"deploy", folder_, "--timeout", "3 parsecs"}), kUsage);
}

TEST_F(Deploy, ServersRefusalsAndAbsenceHaveTheirCodes) {
  write("index.js", "");
  expect(kGet, "/functions/greet", base::Error{base::ErrorCode::kIo, "nothing listens"});
  EXPECT_EQ(hearth({"deploy", folder_}), kUnreachable);
  expect(kGet, "/functions/greet", 404, kNone);
  expect(kPost, "/functions", 400,
         R"({"error":{"code":"bad_request","message":"memorySize is over the limit"}})");
  EXPECT_EQ(hearth({"deploy", folder_, "--memory", "9999"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("memorySize is over the limit"));
}

TEST_F(Deploy, ShowsProgressOnATerminalAndCleansItUp) {
  write("index.js", "");
  err_is_terminal_ = true;
  expect(kGet, "/functions/greet", 404, kNone);
  expect(kPost, "/functions", 201, kCreated);
  EXPECT_EQ(hearth({"deploy", folder_}), kOk);
  EXPECT_THAT(err(), HasSubstr("waiting for the server"));
  EXPECT_TRUE(err().ends_with("\r\033[K"));
}

TEST_F(Deploy, OverTheSizeLimitIsRefusedWithBothFigures) {
  std::ofstream(folder_ / "big.zip").close();
  fs::resize_file(folder_ / "big.zip", 3U << 20U);
  const auto code = open_code(folder_ / "big.zip", 2U << 20U, {});
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().code, base::ErrorCode::kTooLarge);
  EXPECT_THAT(code.error().message, HasSubstr("3.0 MB zipped, and the limit is 2 MB"));
}

TEST(NameOfCode, IsTheLastPart) {
  EXPECT_EQ(name_of_code("/a/hello"), "hello");
  EXPECT_EQ(name_of_code("/a/hello/"), "hello");
  EXPECT_EQ(name_of_code("/a/site.zip"), "site");
  EXPECT_EQ(name_of_code("/a/x.y"), "x.y");
  EXPECT_EQ(name_of_code("."), fs::current_path().filename().string());
}

TEST(CheckHandler, FollowsTheRuntimesRules) {
  const model::Runtime& node = *model::find_runtime("node");
  const std::vector<std::string> paths = {"index.mjs", "src/app.js", "inner/main.js"};
  EXPECT_TRUE(check_handler(node, "index", paths));
  EXPECT_TRUE(check_handler(node, "index.handler", paths));
  EXPECT_TRUE(check_handler(node, "src/app.one.two", paths));
  EXPECT_FALSE(check_handler(node, "app", paths));
  const auto nested = check_handler(node, "main", paths);
  ASSERT_FALSE(nested);
  EXPECT_THAT(nested.error().message, HasSubstr("--handler inner/main"));
}

TEST(CheckHandler, KnowsTheOtherRuntime) {
  const model::Runtime& node = *model::find_runtime("node");
  const model::Runtime& python = *model::find_runtime("python");
  EXPECT_TRUE(check_handler(python, "app.main", {"app.py"}));
  EXPECT_THAT(check_handler(python, "app.main", {"main.py"}).error().message, HasSubstr("no app.py in it"));
  EXPECT_THAT(check_handler(node, "app.main", {"app.py"}).error().message, HasSubstr("--runtime python"));
}

TEST(Variables, AreReadFromAFile) {
  std::map<std::string, std::string> variables;
  EXPECT_TRUE(add_variables("# note\n\nA=1\nexport B = \"two words\" \r\nC='x=y'\nD=\n", variables));
  EXPECT_EQ(variables,
            (std::map<std::string, std::string>{{"A", "1"}, {"B", "two words"}, {"C", "x=y"}, {"D", ""}}));
  const auto failed = add_variables("A=1\noops", variables);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("line 2"));
}

// Every length around the pieces' edges, in reads of odd sizes.
TEST(UploadBodyTest, IsTheBase64OfTheWholeFile) {
  std::string pattern = testing::TempDir() + "hearth-upload-XXXXXX";
  const base::UniqueFd fd(::mkstemp(pattern.data()));
  fs::remove(pattern);
  constexpr std::size_t kPiece = 36 * 1024;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, kPiece - 1,
                                 kPiece, kPiece + 1, 2 * kPiece + 2}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<char>(i * 31 + i / 255);
    }
    ASSERT_EQ(::ftruncate(fd.get(), 0), 0);
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
    UploadBody body("{\"zipFile\":\"", fd.get(), size);
    std::string text;
    char buffer[997];
    for (auto count = body.read(buffer, sizeof buffer); *count > 0;
         count = body.read(buffer, sizeof buffer)) {
      text.append(buffer, *count);
    }
    EXPECT_EQ(text, "{\"zipFile\":\"" + base::base64_encode(bytes) + "\"}");
    EXPECT_EQ(text.size(), body.size());
  }
}

TEST(UploadBodyTest, AFileThatBecameShorterIsAnError) {
  std::string pattern = testing::TempDir() + "hearth-upload-XXXXXX";
  const base::UniqueFd fd(::mkstemp(pattern.data()));
  fs::remove(pattern);
  UploadBody body("", fd.get(), 10);
  char buffer[10];
  EXPECT_FALSE(body.read(buffer, sizeof buffer));
}

}  // namespace
}  // namespace hearth::cli
