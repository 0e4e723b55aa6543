// What the asking for a compile cache costs an instance: time, and memory for as long as it lives.
#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "compile_cache_fixture.h"

namespace hearth::conformance {
namespace {

using testing::HasSubstr;
using testing::Not;

// Ends with what is held in MB, once nothing is held that need not be.
constexpr const char* kMemory = R"js(
const memory = () => {
  require('v8').setFlagsFromString('--expose-gc');
  const gc = require('vm').runInNewContext('gc');
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1048576;
};)js";

// Collects into a file beside it, however long that takes: on a busy machine the runtime's 50 ms are soon
// over.
constexpr const char* kCollect = R"js(
const collect = (mostBytes) => require('fs').writeFileSync(__dirname + '/compiled',
    Buffer.concat(require(require.main.path + '/compile_cache.js').collect(mostBytes, 60_000)));)js";

class CompileCacheCost : public CompileCache {
 protected:
  // The answer to one call.
  std::string call(const std::string& folder, const std::string& input, const std::string& compiled = "") {
    RuntimeProcess process(runtime_.command, {});
    EXPECT_TRUE(process.receive().has_value());
    worker::protocol::Init init;
    init.handler = "index";
    init.code_path = folder;
    init.compile_cache_bytes = kMostBytes;
    process.send_init(init, compiled);
    EXPECT_TRUE(process.receive().has_value());
    process.send_invoke(1, input);
    return process.receive().value().payload.substr(4);
  }

  // What a function with kCollect collects when it is called.
  std::string collected(const std::string& folder, const std::string& input) {
    call(folder, input);
    std::ifstream file(folder + "/compiled", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

// A source with functions that are called when it is loaded.
std::string with_functions(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += fmt::format("function f{0}(a) {{ return {{ a, b: 'f{0}', c: [a, {0}] }}; }} f{0}(1);\n", i);
  }
  return text + "module.exports = () => 1;";
}

TEST_F(CompileCacheCost, EndsAtTheFirstThatDoesNotFit) {
  const Folder folder(std::string(kCollect) +
                      "require('./large.js'); require('./small.js'); module.exports = collect; //" +
                      std::string(8'000, 'x'));
  folder.write("large.js", with_functions(500));
  folder.write("small.js", answering("small"));
  const std::string all = collected(folder.path(), std::to_string(kMostBytes));
  EXPECT_THAT(all, HasSubstr(R"(["small.js",)"));
  const std::string some = collected(folder.path(), "20000");
  EXPECT_THAT(some, HasSubstr(R"(["index.js",)"));
  EXPECT_THAT(some, Not(HasSubstr(R"(["large.js",)")));
  EXPECT_THAT(some, Not(HasSubstr(R"(["small.js",)"))) << "what follows is not made";
}

TEST_F(CompileCacheCost, EndsWhenItsTimeIsOver) {
  const Folder folder(R"js(
require('./other.js');
const cache = require(require.main.path + '/compile_cache.js');
module.exports = (most) => {
  const text = Buffer.concat(cache.collect(1 << 20, most)).toString('latin1');
  return ['index.js', 'other.js'].map((name) => text.includes('["' + name));
}; //)js" + std::string(8'000, 'x'));
  folder.write("other.js", answering("other"));
  EXPECT_EQ(call(folder.path(), "0"), "[true,false]");
  EXPECT_EQ(call(folder.path(), "20000"), "[true,true]");
}

// What V8 has of it is all there is: 16 MB of its heap, where Node's own reading is none of that.
TEST_F(CompileCacheCost, SourcesAreNotHeldTwice) {
  const Folder folder(std::string(kMemory) + "require('./large.js'); module.exports = () => memory(); //" +
                      std::string(8'000, 'x'));
  folder.write("large.js", "module.exports = 1; //" + std::string(std::size_t{16} << 20U, 'x'));
  const double without = std::stod(run(folder.path(), "index", 0).output);
  EXPECT_LT(std::stod(run(folder.path(), "index", kMostBytes).output), without + 24) << "MB";
}

TEST_F(CompileCacheCost, OfAModuleThatIsNeverLoadedOnlyItsOwnIsHeld) {
  const Folder folder(std::string(kMemory) + kCollect + R"js(
require('./large.js');
module.exports = (mostBytes) => {
  if (mostBytes > 0) {
    require('./late.js');
    collect(mostBytes);
  }
  return memory();
}; //)js" + std::string(8'000, 'x'));
  folder.write("large.js", with_functions(10'000));
  folder.write("late.js", answering("late"));
  const std::string compiled = collected(folder.path(), std::to_string(kMostBytes));
  ASSERT_GT(compiled.size(), std::size_t{2} << 20U);
  ASSERT_THAT(compiled, HasSubstr(R"(["late.js",)"));
  const double without = std::stod(call(folder.path(), "0"));
  EXPECT_LT(std::stod(call(folder.path(), "0", compiled)), without + 1) << "MB";
}

}  // namespace
}  // namespace hearth::conformance
