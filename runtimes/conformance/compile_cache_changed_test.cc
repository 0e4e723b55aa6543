// Code that is not what stands in its file, or that makes other code: with a compile cache it is what it is
// without.
#include "compile_cache_fixture.h"

namespace hearth::conformance {
namespace {

using testing::IsEmpty;
using testing::Not;

// Made or changed at load: each instance has its own, of the same length, though the file is the same.
class MadeAtLoad : public CompileCache {
 protected:
  // `hook` sees to it that PID is the process's id in sources that are loaded after it.
  void expect_each_its_own(const std::string& hook, const std::string& file = "./other.js") {
    const Folder folder("const number = () => String(process.pid).padStart(8, '0');\n" + hook +
                        "\nconst own = require('" + file +
                        "')();\nmodule.exports = () => own === number(); //" + std::string(8'000, 'x'));
    folder.write(file, answering("PIDPIDPI"));
    const Ran first = run(folder.path(), "index", kMostBytes);
    EXPECT_EQ(first.output, "true");
    EXPECT_THAT(first.compiled, Not(IsEmpty()));
    EXPECT_EQ(run(folder.path(), "index", kMostBytes, first.compiled).output, "true");
  }
};

TEST_F(MadeAtLoad, ByAReplacedReader) {
  expect_each_its_own(R"js(
const fs = require('fs');
const read = fs.readFileSync;
fs.readFileSync = (...values) => {
  const text = read(...values);
  return typeof text === 'string' ? text.replace('PIDPIDPI', number()) : text;
};)js");
}

TEST_F(MadeAtLoad, ByAReaderBehindAGetter) {
  expect_each_its_own(R"js(
const fs = require('fs');
const read = fs.readFileSync;
const other = (...values) => {
  const text = read(...values);
  return typeof text === 'string' ? text.replace('PIDPIDPI', number()) : text;
};
Object.defineProperty(fs, 'readFileSync', { configurable: true, get: () => other });)js");
}

TEST_F(MadeAtLoad, ByAReplacedLoad) {
  expect_each_its_own(R"js(
const { prototype } = require('module');
const { load } = prototype;
prototype.load = function (file) {
  if (!file.endsWith('other.js')) {
    return load.call(this, file);
  }
  this.filename = file;
  this._compile(require('fs').readFileSync(file, 'utf8').replace('PIDPIDPI', number()), file);
  this.loaded = true;
};)js");
}

constexpr const char* kHook = R"js(
require.extensions['EXTENSION'] = (module, file) => {
  module._compile(require('fs').readFileSync(file, 'utf8').replace('PIDPIDPI', number()), file);
};)js";

TEST_F(MadeAtLoad, ByTheHookOfAnotherExtension) {
  std::string hook = kHook;
  expect_each_its_own(hook.replace(hook.find("EXTENSION"), 9, ".ts"), "./other.ts");
}

TEST_F(MadeAtLoad, ByTheHookOfALongerExtension) {
  std::string hook = kHook;
  expect_each_its_own(hook.replace(hook.find("EXTENSION"), 9, ".made.js"), "./other.made.js");
}

// What is no file cannot be asked for its size.
TEST_F(CompileCache, AModuleThatIsNoFileIsTheSame) {
  const Folder folder(R"js(
const Module = require('module');
const path = require('path');
const file = path.join(__dirname, 'virtual.js');
const made = new Module(file, module);
made.filename = file;
require.cache[file] = made;
made._compile('module.exports = () => "virtual"; //' + 'x'.repeat(8000), file);
made.loaded = true;
const virtual = made.exports;
module.exports = () => virtual(); //)js" +
                      std::string(8'000, 'x'));
  expect_the_same(folder.path(), "index");
  EXPECT_EQ(run(folder.path(), "index", kMostBytes).output, R"("virtual")");
}

TEST_F(CompileCache, AReplacedWrapperIsTheSame) {
  const std::string rest = "\nmodule.exports = () => require('./other.js')(); //" + std::string(8'000, 'x');
  for (const std::string& replaced :
       {std::string(
            "const wrap = Module.wrap; Module.wrap = (text) => wrap('const word = \"wrapped\";' + text);"),
        std::string("Module.wrapper[0] += 'const word = \"wrapped\";';"),
        std::string(
            "Module.wrapper = [Module.wrapper[0] + 'const word = \"wrapped\";', Module.wrapper[1]];")}) {
    const Folder folder("const Module = require('module');" + replaced + rest);
    folder.write("other.js", "module.exports = () => word; //" + std::string(8'000, 'x'));
    expect_the_same(folder.path(), "index");
    EXPECT_EQ(run(folder.path(), "index", kMostBytes).output, R"("wrapped")") << replaced;
  }
}

// In an instance that has its module from the cache too, where it is not kept out of that.
TEST_F(CompileCache, WhatIsEvaluatedMayImport) {
  for (const std::string& call :
       {std::string("(0, eval)(text)"), std::string("eval?.(text)"), std::string("await\u00a0eval(text)"),
        std::string("globalThis.eval(text)"), std::string("((call) => call(text))(eval)"),
        std::string("globalThis['eval'](text)"),
        std::string("new Function('return import(\"node:path\")')()"),
        std::string("Function('name', 'return import (name)')('node:path')")}) {
    SCOPED_TRACE(call);
    const Folder folder(answering("other"));
    folder.write("main.js", "require('./index.js'); const text = ['imp', 'ort(\"node:path\")'].join('');\n" +
                                ("module.exports = async () => (await " + call + ").sep; //") +
                                std::string(8'000, 'x'));
    expect_the_same(folder.path(), "main");
    EXPECT_EQ(run(folder.path(), "main", 0).output, R"("/")");
  }
}

TEST_F(CompileCache, WarningsAreEmittedByWhatLooksTheSame) {
  const Folder folder(
      "const { emitWarning } = process; module.exports = () => [emitWarning.name, emitWarning.length, "
      "Object.getOwnPropertyNames(emitWarning).length > 1]; //" +
      std::string(8'000, 'x'));
  expect_the_same(folder.path(), "index");
  EXPECT_EQ(run(folder.path(), "index", 0).output, R"(["emitWarning",4,true])");
}

TEST_F(CompileCache, WordsWithEvalInThemKeepNothingOut) {
  const Folder folder(
      "const medieval = 1, evaluate = 2, $eval = 3, _eval = 4, eval_ = 5; // \u00e9val, "
      "eval-ed\n" +
      answering("word"));
  EXPECT_THAT(run(folder.path(), "index", kMostBytes).compiled, Not(IsEmpty()));
}

}  // namespace
}  // namespace hearth::conformance
