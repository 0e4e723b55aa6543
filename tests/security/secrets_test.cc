// Attempts 29 to 33: to learn what is another's, and to be taken for another.
#include <gmock/gmock.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <set>
#include <string>
#include <thread>

#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

namespace json = boost::json;

class Secrets : public Security {};

// 29
TEST_F(Secrets, NothingOfAnotherFunctionIsThere) {
  const std::string files = json::serialize(
      json::array{server().data_dir(), server().data_dir() + "/hearth.db", server().data_dir() + "/code"});
  expect_denied_js(
      "module.exports = (files) => Object.fromEntries(files.map((file) => [file, attempt(() => "
      "fs.statSync(file))]));",
      files);
  // Its own environment, files and memory hold nothing of the neighbour's.
  const std::string id = hostile(R"js(
const fs = require('fs');
const found = [];
const look = (folder, depth) => {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = folder + '/' + entry.name;
    try {
      if (entry.isDirectory() && depth < 4) look(path, depth + 1);
      else if (entry.isFile() && fs.statSync(path).size < 1 << 20 && fs.readFileSync(path).includes(word)) found.push(path);
    } catch {}
  }
};
let word;
module.exports = (half) => {
  word = half.join('');
  for (const folder of ['/code', '/etc', '/opt', '/run', '/var', '/tmp']) {
    if (fs.existsSync(folder)) look(folder, 0);
  }
  for (const name of ['environ', 'cmdline', 'mountinfo', 'cgroup', 'maps']) {
    if (fs.readFileSync('/proc/self/' + name).includes(word)) found.push(name);
  }
  return found;
};)js");
  EXPECT_EQ(json::serialize(output_of(id, R"(["the neighbour", "'s own"])")), "[]");
}

// 30
TEST_F(Secrets, NothingOfThePlatformsIsInTheEnvironment) {
  const std::string id =
      hostile("module.exports = () => Object.keys(process.env).sort();", {{"environment", {{"MINE", "1"}}}});
  EXPECT_THAT(strings_of(id), testing::Each(testing::AnyOf("HOME", "LANG", "MINE", "PATH", "TMPDIR", "TZ")));
}

// 31: kernel_test.cc has the calls.
TEST_F(Secrets, KeyringsAreNotThere) {
  expect_denied_js(
      "module.exports = () => ({ keys: attempt(() => { if (fs.readFileSync('/proc/keys').length === 0) throw "
      "new "
      "Error('empty'); }) });");
}

// 32
TEST_F(Secrets, InstancesThatLiveHaveUsersOfTheirOwn) {
  constexpr const char* kWho =
      "module.exports = () => new Promise((done) => setTimeout(done, 300, process.getuid()));";
  std::vector<std::string> ids;
  ids.reserve(4);
  for (int i = 0; i < 4; ++i) {
    ids.push_back(hostile(kWho));
  }
  std::vector<json::value> uids(8);
  std::vector<std::thread> callers;
  callers.reserve(uids.size());
  for (std::size_t i = 0; i < uids.size(); ++i) {
    callers.emplace_back([&, i] { uids[i] = output_of(ids[i % ids.size()]); });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  std::set<std::int64_t> different;
  for (const json::value& uid : uids) {
    different.insert(uid.as_int64());
  }
  EXPECT_EQ(different.size(), uids.size());
}

// 33
TEST_F(Secrets, RandomBytesNeverRepeat) {
  const std::string node = hostile(
      "const now = [require('crypto').randomBytes(8).toString('hex'), String(Math.random()), "
      "crypto.randomUUID()];"
      "module.exports = (ends) => ends ? process.exit(0) : now;");
  const std::string python = server().create(
      {{"index.py",
        "import os, random, secrets, uuid, tempfile\n"
        "now = [os.urandom(8).hex(), str(random.random()), secrets.token_hex(8), str(uuid.uuid4()),\n"
        "       next(tempfile._get_candidate_names())]\n"
        "def handler(ends):\n    return os._exit(0) if ends else now\n"}},
      {{"runtime", "python"}, {"name", "random-python"}});
  std::set<std::string> seen;
  std::size_t drawn = 0;
  for (const std::string& id : {node, python}) {
    for (int i = 0; i < 12; ++i) {
      const auto now = strings_of(id);
      seen.insert(now.begin(), now.end());
      drawn += now.size();
      expect_failure(id, "true", 502, "exited");
    }
  }
  EXPECT_EQ(seen.size(), drawn);
  EXPECT_EQ(server().del("/functions/random-python").status, 204);
}

}  // namespace
}  // namespace hearth::security
