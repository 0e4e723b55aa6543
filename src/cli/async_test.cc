// hearth async: shown, changed over what there is, reset.
#include <gmock/gmock.h>

#include <fstream>

#include "cli/exit_code.h"
#include "cli/fake_api.h"

namespace hearth::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using enum http::Method;

constexpr const char* kPath = "/functions/hello/async";
constexpr const char* kNothing =
    R"({"retries":null,"maxAge":null,"maxBacklog":null,"onSuccess":null,"onFailure":null})";
constexpr const char* kSome = R"({"retries":0,"maxAge":7200,"maxBacklog":10,"onSuccess":{"function":"next"},)"
                              R"("onFailure":{"url":"https://h.example/","signed":true}})";

class AsyncCommand : public CommandTest {
 protected:
  // The body of the PUT that these options make of what there is.
  std::string put(const char* before, std::vector<std::string> options) {
    expect(kGet, kPath, 200, before);
    expect(kPut, kPath, 200, kSome);
    options.insert(options.begin(), {"async", "hello"});
    EXPECT_EQ(hearth(options), kOk) << err();
    return script_.bodies.back();
  }
  std::string file_with(const std::string& text) {
    const std::string path = testing::TempDir() + "hearth_async_secret";
    std::ofstream(path) << text;
    return path;
  }
};

TEST_F(AsyncCommand, ShowsThem) {
  expect(kGet, kPath, 200, kSome);
  EXPECT_EQ(hearth({"async", "hello"}), kOk);
  EXPECT_EQ(out(),
            "retries      0\nmax age      2 h\nmax backlog  10\non success   function next\n"
            "on failure   https://h.example/  (signed)\n");
  expect(kGet, kPath, 200, kNothing);
  EXPECT_EQ(hearth({"async", "hello"}), kOk);
  EXPECT_THAT(out(), HasSubstr("retries      the server's (--async-retries)\n"));
  EXPECT_THAT(out(), HasSubstr("on success   -\n"));
  expect(kGet, kPath, 200, kSome);
  EXPECT_EQ(hearth({"async", "hello", "--json"}), kOk);
  EXPECT_EQ(out(), std::string(kSome) + "\n");
}

TEST_F(AsyncCommand, ChangesWhatIsNamedAndKeepsTheRest) {
  EXPECT_EQ(put(kSome, {"--retries", "5"}),
            R"({"retries":5,"maxAge":7200,"maxBacklog":10,"onSuccess":{"function":"next"},)"
            R"("onFailure":{"url":"https://h.example/"}})");
  EXPECT_THAT(out(), HasSubstr("on failure   https://h.example/  (signed)\n")) << "as the server says it";
  EXPECT_EQ(
      put(kSome, {"--max-age", "90", "--max-backlog", "default", "--on-failure", "none"}),
      R"({"retries":0,"maxAge":90,"maxBacklog":null,"onSuccess":{"function":"next"},"onFailure":null})");
  EXPECT_EQ(
      put(kNothing, {"--max-age", "1.5h", "--on-success", "function:a b", "--on-failure", "http://x/?y"}),
      R"({"retries":null,"maxAge":5400,"maxBacklog":null,"onSuccess":{"function":"a b"},)"
      R"("onFailure":{"url":"http://x/?y"}})");
}

TEST_F(AsyncCommand, ASecretComesFromAFileAndIsForTheWebhooksThatAreNamed) {
  const std::string file = file_with("s3cret\n");
  EXPECT_THAT(put(kNothing, {"--on-success", "https://s/", "--webhook-secret-file", file}),
              HasSubstr(R"("onSuccess":{"url":"https://s/","secret":"s3cret"})"));
  EXPECT_THAT(put(kSome, {"--webhook-secret-file", file}),
              HasSubstr(R"("onFailure":{"url":"https://h.example/","secret":"s3cret"})"));
  EXPECT_THAT(put(kSome, {"--on-success", "https://s/", "--webhook-secret-file", file}),
              HasSubstr(R"("onFailure":{"url":"https://h.example/"})"));
  EXPECT_THAT(out() + err(), Not(HasSubstr("s3cret")));
  expect(kGet, kPath, 200, kNothing);
  EXPECT_EQ(hearth({"async", "hello", "--webhook-secret-file", file}), kUsage);
  EXPECT_THAT(err(), HasSubstr("no webhook"));
  expect(kGet, kPath, 200, kSome);
  EXPECT_EQ(hearth({"async", "hello", "--webhook-secret-file", "/no/such/file"}), kUsage);
  expect(kGet, kPath, 200, kSome);
  EXPECT_EQ(hearth({"async", "hello", "--webhook-secret-file", file_with("\n")}), kUsage);
  std::remove(file.c_str());
}

TEST_F(AsyncCommand, ResetsThem) {
  expect(kDelete, kPath, 200, kNothing);
  EXPECT_EQ(hearth({"async", "hello", "--reset"}), kOk);
  EXPECT_THAT(out(), HasSubstr("the server's"));
}

TEST_F(AsyncCommand, WrongInputsAreRefused) {
  EXPECT_EQ(hearth({"async"}), kUsage);
  EXPECT_EQ(hearth({"async", ""}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--retries", "x"}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--retries", "-1"}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--max-age", "1.5s"}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--on-success", "next"}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--on-success", "function:"}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--on-failure", "ftp://x"}), kUsage);
  EXPECT_EQ(hearth({"async", "hello", "--retries", "1", "--reset"}), kUsage);
  expect(kGet, kPath, 404, R"({"error":{"code":"not_found","message":"no function"}})");
  EXPECT_EQ(hearth({"async", "hello"}), kNotFound);
  expect(kGet, kPath, 200, "[]");
  EXPECT_EQ(hearth({"async", "hello"}), kRefused);
  expect(kGet, kPath, 200, kNothing);
  expect(kPut, kPath, 400, R"({"error":{"code":"bad_request","message":"\"retries\" is from 0 to 100"}})");
  EXPECT_EQ(hearth({"async", "hello", "--retries", "101"}), kRefused);
  EXPECT_THAT(err(), HasSubstr("0 to 100"));
}

}  // namespace
}  // namespace hearth::cli
