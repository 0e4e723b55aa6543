// A runtime's compile cache: what it makes of the code in one instance is of use in the next, and neither the
// making nor the use changes what a function does. Of Node alone; others say that they have none.
#include "compile_cache_fixture.h"

namespace hearth::conformance {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using worker::protocol::Frame;
using worker::protocol::FrameType;
using worker::protocol::Init;

TEST_F(CompileCache, AModuleSeesWhatItWouldSee) { expect_the_same("index.facts"); }
TEST_F(CompileCache, ErrorsAreTheSame) { expect_the_same("index.throws"); }
TEST_F(CompileCache, ErrorsAtLoadAreTheSame) { expect_the_same("index.thrownStack"); }
TEST_F(CompileCache, SourcesThatAreNoneAreTheSame) { expect_the_same("index.broken"); }
TEST_F(CompileCache, AWrapperThatIsClosedIsTheSame) { expect_the_same("index.closes"); }
TEST_F(CompileCache, ImportsAreTheSameAndWarnOfNothing) { expect_the_same("imports"); }
TEST_F(CompileCache, ASourceThatWasMadeIsNotTakenForTheFile) { expect_the_same("index.remade"); }
TEST_F(CompileCache, HooksAreTheSame) { expect_the_same("index.hooked"); }
TEST_F(CompileCache, SourceMapsAreTheSame) { expect_the_same("index.mapped"); }
TEST_F(CompileCache, APatchedLoaderIsTheSame) { expect_the_same("index.patched"); }
TEST_F(CompileCache, AModuleThatIsLoadedAgainIsTheSame) { expect_the_same("index.again"); }
TEST_F(CompileCache, AnEsModuleThatImportsCommonJsIsTheSame) { expect_the_same("esm"); }

TEST_F(CompileCache, TheOutputsAreWhatTheyAreMeantToBe) {
  EXPECT_THAT(run(fixture(), "index.facts", kMostBytes).output,
              HasSubstr(R"("me":true,"parts":5,"load":true)"));
  EXPECT_THAT(run(fixture(), "index.remade", kMostBytes).output, HasSubstr("ycnedneped"));
  EXPECT_THAT(run(fixture(), "index.hooked", kMostBytes).output, HasSubstr("ycnedneped of"));
  EXPECT_THAT(run(fixture(), "index.closes", kMostBytes).output, HasSubstr("SyntaxError"));
  EXPECT_THAT(run(fixture(), "imports", kMostBytes).output, HasSubstr("an ES module"));
  EXPECT_THAT(run(fixture(), "index.mapped", kMostBytes).output, HasSubstr("original.ts:4:1"));
}

// Of an instance that did something else.
TEST_F(CompileCache, WhatTheFilesWereCompiledToIsForTheFilesAlone) {
  const std::string compiled = run(fixture(), "index.facts", kMostBytes).compiled;
  for (const auto* handler :
       {"index.remade", "index.hooked", "index.patched", "index.again", "index.mapped"}) {
    SCOPED_TRACE(handler);
    expect_equal(run(fixture(), handler, kMostBytes, compiled), run(fixture(), handler, 0));
  }
}

// V8 looks at a source's length alone: another of the same length shows whose code it was that ran.
TEST_F(CompileCache, WhatIsGivenIsUsed) {
  const Folder first(answering("1st"));
  const Folder second(answering("2nd"));
  const Ran ran = run(first.path(), "index", kMostBytes);
  EXPECT_EQ(ran.output, R"("1st")");
  EXPECT_EQ(run(second.path(), "index", kMostBytes, ran.compiled).output, R"("1st")");
}

TEST_F(CompileCache, ThatOfAnotherSourceIsNotUsed) {
  const Folder first(answering("first"));
  const Folder other(answering("third", 8'000, '.'));
  const Folder larger(answering("second", 9'000));
  const Ran ran = run(first.path(), "index", kMostBytes);
  EXPECT_EQ(run(larger.path(), "index", kMostBytes, ran.compiled).output, R"("second")")
      << "of another length";
  EXPECT_EQ(run(other.path(), "index", kMostBytes, ran.compiled).output, R"("third")")
      << "of other characters";
}

TEST_F(CompileCache, BytesThatAreNoneChangeNothing) {
  const Folder folder(answering("word"));
  const std::string good = run(folder.path(), "index", kMostBytes).compiled;
  ASSERT_GT(good.size(), 100U);
  std::string long_index = good;
  long_index.replace(4, 4, "\xff\xff\xff\x7f");
  std::string no_json = good;
  no_json[8] = '{';
  for (const std::string& bytes :
       {std::string("x"), std::string(10, '\0'), std::string(100'000, 'x'), good.substr(0, 3),
        good.substr(0, 20), good.substr(0, good.size() - 1), good + "x", long_index, no_json}) {
    const Ran ran = run(folder.path(), "index", kMostBytes, bytes);
    EXPECT_EQ(ran.output, R"("word")") << bytes.size();
    EXPECT_THAT(ran.err, IsEmpty()) << bytes.size();
    EXPECT_THAT(ran.compiled, IsEmpty()) << "one had been given";
  }
}

// Whoever has this release with other flags says that another kind fits.
TEST_F(CompileCache, OneOfOtherFlagsIsRefusedAndOfAnotherKind) {
  const Folder folder(answering("1st"));
  const Folder same_length(answering("2nd"));
  const std::string compiled = run(folder.path(), "index", kMostBytes).compiled;
  Runtime other = runtime_;
  other.command.insert(other.command.begin() + 1, "--stack-size=900");
  const auto kind_of = [](const Runtime& runtime) {
    RuntimeProcess process(runtime.command, {});
    return worker::protocol::decode_ready(process.receive().value().payload).value().compiles;
  };
  EXPECT_NE(kind_of(other), kind_of(runtime_));
  EXPECT_EQ(kind_of(runtime_), kind_of(runtime_));
  RuntimeProcess process(other.command, {});
  ASSERT_TRUE(process.receive().has_value());
  Init init;
  init.handler = "index";
  init.code_path = same_length.path();
  init.compile_cache_bytes = kMostBytes;
  process.send_init(init, compiled);
  ASSERT_EQ(process.receive().value().type, FrameType::kLoaded);
  process.send_invoke(1, "");
  EXPECT_EQ(process.receive().value().payload.substr(4), R"("2nd")");
}

// It would refuse all, as a rule: a function that sets flags does so before it loads the rest.
TEST_F(CompileCache, WhatIsRefusedOnceIsNotTriedAgain) {
  const Folder folder(R"js(
const v8 = require('v8');
v8.setFlagsFromString('--no-opt');
const first = require('./first.js');
v8.setFlagsFromString('--opt');
const second = require('./second.js');
module.exports = () => [first(), second()]; //)js" +
                      std::string(8'000, 'x'));
  folder.write("first.js", answering("1st"));
  folder.write("second.js", answering("1st"));
  const std::string compiled = run(folder.path(), "index", kMostBytes).compiled;
  folder.write("first.js", answering("2nd"));
  EXPECT_EQ(run(folder.path(), "index", kMostBytes, compiled).output, R"(["2nd","1st"])") << "refused";
  folder.write("second.js", answering("2nd"));
  EXPECT_EQ(run(folder.path(), "index", kMostBytes, compiled).output, R"(["2nd","2nd"])");
}

TEST_F(CompileCache, NeverSendsMoreThanItMay) {
  const std::size_t all = run(fixture(), "index.facts", kMostBytes).compiled.size();
  std::size_t before = 0;
  for (const std::size_t most : {std::size_t{1}, std::size_t{100}, all / 2, all - 1, all}) {
    const std::size_t size = run(fixture(), "index.facts", most).compiled.size();
    EXPECT_LE(size, most);
    EXPECT_GE(size, before);
    before = size;
  }
  EXPECT_EQ(before, all) << "all of it fits";
}

TEST_F(CompileCache, SmallModulesHaveNone) {
  const Folder folder(answering("word", 4'000));
  EXPECT_THAT(run(folder.path(), "index", kMostBytes).compiled, IsEmpty());
}

TEST_F(CompileCache, AskedAgainThereIsNothing) {
  const Folder folder(answering("word"));
  RuntimeProcess process(runtime_.command, {});
  ASSERT_TRUE(process.receive().has_value());
  Init init;
  init.handler = "index";
  init.code_path = folder.path();
  init.compile_cache_bytes = kMostBytes;
  init.concurrency = 4;
  process.send_init(init);
  ASSERT_EQ(process.receive().value().type, FrameType::kLoaded);
  process.send_collect(kMostBytes);
  EXPECT_GT(process.receive().value().payload.size(), 100U) << "with several calls at once too";
  process.send_collect(kMostBytes);
  EXPECT_EQ(process.receive().value(), (Frame{FrameType::kCompiled, 0, ""}));
}

// What V8 compiles once a worker has been started is under other flags. (Before Node 22 a module with the
// word `eval` has no cache.)
TEST_F(CompileCache, AFunctionWithWorkersIsTheSame) {
  const Folder folder(R"js(
const { Worker } = require('worker_threads');
const code = "require('worker_threads').parentPort.postMessage(require('v8').getHeapStatistics().heap_size_limit)";
const start = () => new Promise((resolve, reject) => {
  new Worker(code, { ['ev' + 'al']: true }).on('message', resolve).on('error', reject);
});
const first = start();
const other = require('./other.js');
module.exports = async () => [await first, await start(), other()]; //)js" +
                      std::string(8'000, 'x'));
  folder.write("other.js", answering("other"));
  expect_the_same(folder.path(), "index");
}

// What it compiled before is of use all the same, though it is asked under the flags that came back.
TEST_F(CompileCache, OfAFunctionWithWorkersItIsWhatWasCompiledBeforeThem) {
  const Folder folder(R"js(
const { Worker } = require('worker_threads');
const before = require('./before.js');
new Worker('', { ['ev' + 'al']: true });
const after = require('./after.js');
module.exports = () => [before(), after()]; //)js" +
                      std::string(8'000, 'x'));
  folder.write("before.js", answering("1st"));
  folder.write("after.js", answering("1st"));
  const std::string compiled = run(folder.path(), "index", kMostBytes).compiled;
  folder.write("before.js", answering("2nd"));
  folder.write("after.js", answering("2nd"));
  EXPECT_EQ(run(folder.path(), "index", kMostBytes, compiled).output, R"(["1st","2nd"])");
}

TEST_F(CompileCache, WhateverTheFunctionTamperedWith) {
  const Ran ran =
      run(source_folder() + "/runtimes/conformance/fixtures/node/handlers", "index.tampers", kMostBytes);
  EXPECT_EQ(ran.second_output, "null") << "it is asked, and goes on";
}

TEST_F(CompileCache, AskedBeforeTheHandlerIsLoadedItIsAProtocolError) {
  RuntimeProcess process(runtime_.command, {});
  ASSERT_TRUE(process.receive().has_value());
  process.send_collect(kMostBytes);
  EXPECT_EQ(process.wait_exit(), 70);
}

TEST(NoCompileCache, APythonFunctionIsGivenWhatItCannotUse) {
  RuntimeProcess process(python().command, {});
  EXPECT_EQ(worker::protocol::decode_ready(process.receive().value().payload).value().compiles, "");
  Init init;
  init.handler = "index";
  init.code_path = source_folder() + "/runtimes/conformance/fixtures/python/echo";
  process.send_init(init, "bytes");
  EXPECT_EQ(process.receive().value().type, FrameType::kLoaded);
}

}  // namespace
}  // namespace hearth::conformance
