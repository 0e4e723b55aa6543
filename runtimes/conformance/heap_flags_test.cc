// The flags that limit V8's heap, in the node runtime: the limits hold, and what Node has compiled is used.
#include "code_folder.h"
#include "conformance.h"

namespace hearth::conformance {
namespace {

constexpr const char* kLimits = R"js(
const v8 = require('v8');
const { Worker } = require('worker_threads');
const mb = (bytes) => Math.round(bytes / (1 << 20));
const ofWorker = () => new Promise((resolve, reject) => {
  const code = "const limit = require('v8').getHeapStatistics().heap_size_limit;" +
    "require('worker_threads').parentPort.postMessage(limit)";
  new Worker(code, { eval: true }).on('message', resolve).on('error', reject);
});
const tag = v8.cachedDataVersionTag();
module.exports = async () => [tag, mb(v8.getHeapStatistics().heap_size_limit), mb(await ofWorker()),
                              mb(await ofWorker()), Object.hasOwn(process, 'noDeprecation'), process.execArgv]; //)js";

class HeapFlags : public testing::Test {
 protected:
  std::string output(std::vector<std::string> flags) {
    Runtime runtime = node();
    runtime.command.insert(runtime.command.begin() + 1, flags.begin(), flags.end());
    const Folder folder(kLimits);
    RuntimeProcess process(runtime.command, {"PATH=/usr/bin:/bin"});
    EXPECT_TRUE(process.receive().has_value());
    worker::protocol::Init init;
    init.handler = "index";
    init.code_path = folder.path();
    process.send_init(init);
    EXPECT_TRUE(process.receive().has_value());
    process.send_invoke(1, "");
    std::string output = process.receive().value().payload.substr(4);
    EXPECT_EQ(process.take_err(), "");
    return output;
  }
};

TEST_F(HeapFlags, HoldForTheFunctionAndForItsWorkersAndNothingElseSeesThem) {
  const std::string plain = output({});
  const std::string limited = output({"--max-old-space-size=64", "--max-semi-space-size=4"});
  const std::string tag = plain.substr(0, plain.find(','));
  EXPECT_EQ(limited, tag + R"(,76,76,76,false,["--max-old-space-size=64","--max-semi-space-size=4"]])")
      << "V8 takes what it has compiled without them";
}

}  // namespace
}  // namespace hearth::conformance
