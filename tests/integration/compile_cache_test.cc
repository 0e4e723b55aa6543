// What an instance of Node has compiled is used by the next one of its version, and by no other, on the real
// server.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

HearthServer::Options with(std::vector<std::string> flags, const std::string& data_dir = "") {
  HearthServer::Options options;
  options.flags = std::move(flags);
  if (std::ranges::find(options.flags, "--keep-alive") == options.flags.end()) {
    options.flags.insert(options.flags.end(), {"--keep-alive", "400ms"});
  }
  options.data_dir = data_dir;
  return options;
}

// Large enough to have one.
std::string large(const std::string& code) { return code + "\n//" + std::string(10'000, 'x'); }

std::string answers(int number) { return large("module.exports = () => " + std::to_string(number) + ";"); }

std::int64_t counted(const HearthServer& server, const std::string& what) {
  const std::string text = server.get("/metrics").body;
  const std::string line = "\nhearth_compile_cache_" + what + "_total ";
  const std::size_t at = text.find(line);
  return at == std::string::npos ? -1 : std::atoll(text.c_str() + at + line.size());
}
std::int64_t given(const HearthServer& server) { return counted(server, "given"); }
std::int64_t kept(const HearthServer& server) { return counted(server, "kept"); }

// On disk.
std::vector<fs::path> files(const HearthServer& server) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(server.data_dir())) {
    if (entry.path().parent_path().filename() == "compiled" &&
        !entry.path().filename().string().starts_with('.')) {
      found.push_back(entry.path());
    }
  }
  return found;
}

bool nothing_lives(const HearthServer& server) {
  return eventually([&] {
    return server.instances({"starting", "idle", "leased", "running", "resuming", "removing"}) == 0;
  });
}

// A first call, until what its instance has compiled is on disk and the instance has gone.
void compile(const HearthServer& server, const std::string& id) {
  const std::int64_t before = kept(server);
  const std::size_t files_before = files(server).size();
  ASSERT_EQ(server.invoke(id).status, 200);
  ASSERT_TRUE(eventually([&] { return kept(server) == before + 1 && files(server).size() > files_before; }));
  ASSERT_TRUE(nothing_lives(server));
}

TEST(CompileCache, TheNextInstanceUsesIt) {
  HearthServer server(with({}));
  const std::string id = server.create_js(answers(17));
  compile(server, id);
  EXPECT_EQ(given(server), 0);
  const Reply reply = server.invoke(id);
  EXPECT_EQ(reply.json().at("output"), 17);
  EXPECT_NE(reply.body.find("execute.cold"), std::string::npos);
  EXPECT_EQ(given(server), 1);
  EXPECT_TRUE(nothing_lives(server));
  EXPECT_EQ(kept(server), 1) << "what was given is not asked for again";
  EXPECT_EQ(files(server).size(), 1U);
  EXPECT_EQ(fs::status(files(server)[0]).permissions(), fs::perms(0600));
}

TEST(CompileCache, WithoutPrestartedInstancesAndPausesAndWithSeveralCallsToo) {
  HearthServer server(with({"--prestart", "0", "--pause-after", "0"}));
  const std::string id = server.create_js(answers(17), {{"concurrency", 4}});
  compile(server, id);
  EXPECT_EQ(server.invoke(id).json().at("output"), 17);
  EXPECT_EQ(given(server), 1);
}

TEST(CompileCache, AnotherVersionDoesNotGetItThoughItHasTheSameCode) {
  HearthServer server(with({}));
  const std::string zip = zip_of({{"index.js", answers(17)}});
  const std::string first = server.create({{"index.js", answers(17)}});
  const std::string other = server.create({{"index.js", answers(17)}});
  compile(server, first);
  compile(server, other);
  EXPECT_EQ(given(server), 0) << "another function";
  ASSERT_EQ(server.put("/functions/" + first + "/code", zip, "application/zip").status, 200);
  compile(server, first);
  EXPECT_EQ(given(server), 0) << "another version of the function";
  EXPECT_EQ(server.invoke(other).json().at("output"), 17);
  EXPECT_EQ(given(server), 1);
}

TEST(CompileCache, IsThereAfterARestart) {
  const ScratchFolder data;
  std::string id;
  {
    HearthServer server(with({}, data.path()));
    id = server.create_js(answers(17));
    compile(server, id);
    EXPECT_EQ(server.stop(), 0);
  }
  HearthServer server(with({}, data.path()));
  EXPECT_EQ(server.invoke(id).json().at("output"), 17);
  EXPECT_EQ(given(server), 1);
}

TEST(CompileCache, DamagedOnDiskItIsNotUsedAndIsMadeAnew) {
  HearthServer server(with({}));
  const std::string id = server.create_js(answers(17));
  compile(server, id);
  {
    std::fstream file(files(server).at(0), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(200);
    file.put('\x55');
  }
  EXPECT_EQ(server.invoke(id).json().at("output"), 17);
  EXPECT_EQ(given(server), 0);
  EXPECT_TRUE(eventually([&] { return kept(server) == 2; }));
  EXPECT_TRUE(nothing_lives(server));
  EXPECT_EQ(server.invoke(id).json().at("output"), 17);
  EXPECT_EQ(given(server), 1);
}

TEST(CompileCache, NotWhereNoneIsWanted) {
  HearthServer server(with({"--compile-cache-bytes", "0"}));
  const std::string id = server.create_js(answers(17));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(server.invoke(id).json().at("output"), 17);
    EXPECT_TRUE(nothing_lives(server));
  }
  EXPECT_EQ(kept(server), 0);
  EXPECT_EQ(given(server), 0);
}

TEST(CompileCache, NotOverItsBoundAndNotOfPython) {
  HearthServer server(with({"--compile-cache-bytes", "200"}));
  const std::string node = server.create_js(answers(17));
  const std::string python =
      server.create({{"index.py", "def handler(event, context):\n  return 17\n#" + std::string(10'000, 'x')}},
                    {{"runtime", "python"}});
  for (const std::string& id : {node, python}) {
    EXPECT_EQ(server.invoke(id).json().at("output"), 17);
  }
  EXPECT_TRUE(nothing_lives(server));
  EXPECT_EQ(kept(server), 0);
}

// Writes a frame of that type and size to the platform, as only the shim may.
std::string forges(int type, const std::string& bytes, const std::string& when) {
  return "const fs = require('fs');\n"
         "function forge() { const head = Buffer.alloc(16); const size = " +
         bytes + "; head.writeUInt32LE(size, 0); head[4] = " + std::to_string(type) +
         "; fs.writeSync(4, head); fs.writeSync(4, Buffer.alloc(Math.min(size, 100))); }\n"
         "module.exports = (input) => { if (input === 'forge') { " +
         when + " } return process.pid; };";
}

TEST(CompileCache, UnaskedItEndsTheCallAndTheInstance) {
  HearthServer server(with({"--keep-alive", "60s"}));
  for (const std::string& bytes : {std::string("100"), std::string("0"), std::string("0x7fffffff")}) {
    const std::string id = server.create_js(forges(135, bytes, "forge();"));
    EXPECT_EQ(server.invoke(id, "\"forge\"").error_code(), "protocol_error") << bytes;
    EXPECT_EQ(server.invoke(id).status, 200);
  }
}

// The instance is asked in the idle moment after its first call, in which it has a frame of its own ready.
TEST(CompileCache, MoreThanOneFrameEndsTheInstance) {
  HearthServer server(with({"--keep-alive", "60s", "--pause-after", "0"}));
  for (const std::string& bytes : {std::string("100"), std::string("0x7fffffff")}) {
    const std::string id = server.create_js(large(forges(135, bytes, "setTimeout(forge, 200);")));
    const Reply first = server.invoke(id, "\"forge\"");
    ASSERT_EQ(first.status, 200);
    EXPECT_TRUE(eventually([&] {
      return server.invoke(id).header("X-Hearth-Instance") != first.header("X-Hearth-Instance");
    })) << bytes;
  }
}

}  // namespace
}  // namespace hearth::test
