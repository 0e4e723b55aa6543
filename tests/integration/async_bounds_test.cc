// Bounds of asynchronous executions on the real server: what is too much is refused, and loses nothing.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <string>
#include <vector>

#include "tests/integration/async_calls.h"

namespace hearth::test {
namespace {

TEST(AsyncBounds, TheBacklogIsBounded) {
  const HearthServer server(quick(
      {"--async-backlog", "4", "--async-function-backlog", "2", "--async-backlog-bytes", "1KiB"}, "", "1h"));
  for (const char* name : {"a", "b", "c"}) {
    server.create_js("module.exports = () => { throw new Error('x') }", {{"name", name}});
  }
  std::vector<std::string> ids;
  for (const char* name : {"a", "a", "b"}) {
    ids.push_back(submit(server, name, "1"));
  }
  const Reply of_function = server.post("/functions/a/invoke?mode=async", "1");
  EXPECT_EQ(of_function.status, 429);
  EXPECT_NE(of_function.body.find("--async-function-backlog"), std::string::npos);
  EXPECT_FALSE(of_function.header("Retry-After").empty());
  EXPECT_EQ(server.post("/functions/c/invoke?mode=async", '"' + std::string(2'000, 'x') + '"').status, 503);
  ids.push_back(submit(server, "b", "1"));
  EXPECT_EQ(server.post("/functions/c/invoke?mode=async", "1").error_code(), "queue_full");
  EXPECT_EQ(count(server, ""), 4U) << "what was refused is not there";
  EXPECT_EQ(server.del("/executions/" + ids[0]).status, 200);
  submit(server, "c", "1");
}

// A data directory on a disk of 64 MB.
class SmallDisk {
 public:
  SmallDisk() : mounted_(::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=64m") == 0) {}
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() { EXPECT_EQ(::umount2(folder_.path().c_str(), MNT_DETACH), 0); }

  bool mounted() const { return mounted_; }
  std::string data() const { return folder_.path() + "/data"; }
  std::uint64_t left_bytes() const {
    struct statvfs about {};
    EXPECT_EQ(::statvfs(folder_.path().c_str(), &about), 0);
    return std::uint64_t{about.f_bavail} * about.f_frsize;
  }

 private:
  const ScratchFolder folder_;
  const bool mounted_;
};

TEST(AsyncBounds, NothingIsAcceptedThatTheDiskMayNotHold) {
  const SmallDisk disk;
  ASSERT_TRUE(disk.mounted());
  HearthServer server(quick({"--async-min-free-disk", "32MiB"}, disk.data(), "1h"));
  server.create_js("module.exports = () => { throw new Error('x') }", {{"name", "f"}});
  const std::string input = '"' + std::string(500'000, 'x') + '"';
  std::vector<std::string> ids;
  Reply reply = server.post("/functions/f/invoke?mode=async", input);
  while (reply.status == 202 && ids.size() < 100) {
    ids.emplace_back(reply.json().at("executionId").as_string());
    reply = server.post("/functions/f/invoke?mode=async", input);
  }
  EXPECT_EQ(reply.error_code(), "queue_full");
  EXPECT_NE(reply.body.find("--async-min-free-disk"), std::string::npos) << reply.body;
  EXPECT_GT(ids.size(), 10U);
  EXPECT_GT(disk.left_bytes(), 4U << 20U) << "the log holds the last ones once more, 16 MB of them";
  EXPECT_EQ(count(server, ""), ids.size());
  for (const auto& id : ids) {
    EXPECT_EQ(server.del("/executions/" + id).status, 200);
  }
}

// A function that calls itself names its own call, and so on: here the test is the network between them.
TEST(AsyncBounds, CallsThatLeadToOneAnotherComeToAnEnd) {
  const HearthServer server(quick({"--max-depth", "4"}));
  server.create_js("module.exports = (input, context) => context.requestId", {{"name", "f"}});
  const auto client = server.connect();
  const auto call = [&](const std::string& query, const std::string& parent) {
    return client->request(http::Method::kPost, "/functions/f/invoke" + query, "null", "application/json",
                           {{"X-Hearth-Parent", parent}});
  };
  std::string id = std::string(server.invoke("f").json().at("output").as_string());
  for (int depth = 1; depth <= 3; ++depth) {
    const auto reply = call("", id);
    ASSERT_EQ(reply->status, 200) << reply->body;
    id = json::parse(reply->body).at("output").as_string();
    EXPECT_TRUE(id.ends_with("." + std::to_string(depth))) << id;
  }
  const auto accepted = call("?mode=async", id);
  ASSERT_EQ(accepted->status, 202);
  const std::string execution(json::parse(accepted->body).at("executionId").as_string());
  EXPECT_EQ(ended(server, execution).at("output"), json::value(execution + ".4"))
      << "an execution is one of them";
  for (const char* query : {"", "?mode=async"}) {
    const auto one_more = call(query, execution + ".4");
    EXPECT_EQ(one_more->status, 508);
    EXPECT_NE(one_more->body.find("loop_detected"), std::string::npos);
    EXPECT_EQ(call(query, "nonsense.x")->status, 400);
  }
  EXPECT_EQ(count(server, ""), 1U);
}

}  // namespace
}  // namespace hearth::test
