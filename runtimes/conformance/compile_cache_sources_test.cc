// Large sources as the compile cache reads them: what comes out is what Node would have read.
#include "compile_cache_fixture.h"

namespace hearth::conformance {
namespace {

using testing::HasSubstr;

constexpr std::size_t kLargeBytes = 100'000;

// Lazily compiled functions and their texts are taken from the source when the second call asks for them.
std::string source_with(const std::string& text, const std::string& line_end = "\n") {
  std::string source = "const before = '" + text + "';" + line_end;
  source +=
      "let calls = 0; const seen = '" + text + "'; const at = new Error('" + text + "').stack;" + line_end;
  source += "function late() { return '" + text + " late ' + late.toString(); }" + line_end;
  source +=
      "module.exports = () => [before, seen, at, late.toString(), ++calls > 1 && late(), text.length];" +
      line_end + "const text = `";
  while (source.size() < kLargeBytes) {
    source += "a line that is not very long, but one of many" + line_end;
  }
  return source + "`; // " + text;
}

class LargeSources : public CompileCache {
 protected:
  void expect_the_same_of(const std::string& source) {
    const Folder folder(source);
    expect_the_same(folder.path(), "index");
  }
};

TEST_F(LargeSources, OfAscii) { expect_the_same_of(source_with("plain")); }
TEST_F(LargeSources, OfLatin1) { expect_the_same_of(source_with("d\u00e9j\u00e0 vu, \u00ff")); }
TEST_F(LargeSources, OfAllOfUnicode) {
  expect_the_same_of(source_with("\u2014 \u6c34 \U0001f600\U0001f601 e\u0301"));
}
TEST_F(LargeSources, WithLineEndsOfTwo) { expect_the_same_of(source_with("\u00e9", "\r\n")); }
TEST_F(LargeSources, WithAByteOrderMark) { expect_the_same_of("\ufeff" + source_with("\u00e9")); }
TEST_F(LargeSources, OfAProgram) {
  expect_the_same_of("#!/usr/bin/env node \u00e9\n" + source_with("\u00e9"));
}
TEST_F(LargeSources, ThatAreNoUtf8) {
  expect_the_same_of(source_with("a \xff b"));
  expect_the_same_of(source_with("a \xe2\x82 b"));
  expect_the_same_of(source_with("a \xed\xa0\x80 b"));
}
TEST_F(LargeSources, WithManyAccents) {
  for (const int runs : {15, 16, 17}) {  // each stands in it four times, and 64 are taken
    std::string text;
    for (int i = 0; i < runs; ++i) {
      text += "x\u00e9";
    }
    expect_the_same_of(source_with(text));
  }
}

// Not by Node, that is.
TEST_F(LargeSources, AreReadHere) {
  const Folder folder(R"js(
const fs = require('fs');
const large = require(require.main.path + '/large_sources.js');
module.exports = () => {
  const file = __dirname + '/other.js';
  const text = fs.readFileSync(file, 'utf8');
  const plan = { chars: text.length, accents: large.accentsOf(text) };
  large.begin((asked) => (asked === file ? plan : undefined));
  delete require.cache[file];
  require(file);
  large.end();
  return plan.source === text;
};)js");
  for (const char* text : {"ascii", "\u00e9\u00e8", "\u2014 \U0001f600"}) {
    folder.write("other.js", source_with(text));
    EXPECT_EQ(run(folder.path(), "index", 0).output, "true") << text;
  }
}

// A large source that loads another, and what reads files meanwhile.
TEST_F(LargeSources, WhatReadsFilesMeanwhileReadsWhatItWould) {
  const Folder folder(R"(
const fs = require('fs');
const attempt = (what) => { try { return what(); } catch (error) { return error.stack; } };
const read = () => [attempt(() => fs.readFileSync('/missing/file', 'utf8')),
                    attempt(() => fs.readFileSync(__filename, 'utf8').length),
                    attempt(() => fs.readFileSync(__dirname + '/other.js', 'utf8').length),
                    attempt(() => fs.readFileSync(__dirname + '/other.js').length),
                    attempt(() => require('./missing.js')), fs.readFileSync.name];
const first = read();
const other = require('./other');
module.exports = () => [first, other(), read()]; //)" +
                      std::string(kLargeBytes, 'x'));
  folder.write("other.js", source_with("\u00e9\u2014"));
  expect_the_same(folder.path(), "index");
}

TEST_F(LargeSources, OnlyWhileTheHandlerLoads) {
  const Folder folder(R"(
const fs = require('fs');
const isGetter = (object, name) => Object.getOwnPropertyDescriptor(object, name).get !== undefined;
const look = () => [isGetter(fs, 'readFileSync'), isGetter(require('module').prototype, 'load')];
const loading = look();
module.exports = () => [loading, look()]; //)" +
                      std::string(kLargeBytes, 'x'));
  const Ran ran = run(folder.path(), "index", kMostBytes);
  EXPECT_EQ(ran.output, "[[false,false],[false,false]]");
  EXPECT_EQ(run(folder.path(), "index", kMostBytes, ran.compiled).output, "[[true,true],[false,false]]");
}

TEST_F(LargeSources, WhatTheFunctionPutsInPlaceStays) {
  const Folder folder(R"(
const fs = require('fs');
const original = fs.readFileSync;
fs.readFileSync = (file, ...rest) => { seen.push(require('path').basename(String(file))); return original(file, ...rest); };
const seen = [];
require('./other');
module.exports = () => [seen, fs.readFileSync !== original]; //)" +
                      std::string(kLargeBytes, 'x'));
  folder.write("other.js", source_with("other"));
  expect_the_same(folder.path(), "index");
  EXPECT_THAT(run(folder.path(), "index", 0).output, HasSubstr("other.js"));
}

// By a getter, as one that counts or warns.
TEST_F(LargeSources, AGetterThatTheFunctionPutsInPlaceStays) {
  const Folder folder(R"js(
const fs = require('fs');
const { prototype } = require('module');
const { readFileSync } = fs;
const { load } = prototype;
Object.defineProperty(fs, 'readFileSync', { configurable: true, get: function own() { return readFileSync; } });
Object.defineProperty(prototype, 'load', { configurable: true, get: function own() { return load; } });
require('./other');
const nameOf = (object, name) => Object.getOwnPropertyDescriptor(object, name).get?.name;
module.exports = () => [nameOf(fs, 'readFileSync'), nameOf(prototype, 'load')]; //)js" +
                      std::string(kLargeBytes, 'x'));
  folder.write("other.js", source_with("other"));
  expect_the_same(folder.path(), "index");
  EXPECT_EQ(run(folder.path(), "index", 0).output, R"(["own","own"])");
}

// The file is another than it was, which a version's never is: Node reads it, and compiles it anew.
TEST_F(LargeSources, OfAnotherLength) {
  const Folder folder(answering("one", kLargeBytes));
  const Ran ran = run(folder.path(), "index", kMostBytes);
  for (const std::size_t bytes : {kLargeBytes - 1, kLargeBytes + 1}) {
    folder.write("index.js", answering("another", bytes));
    EXPECT_EQ(run(folder.path(), "index", kMostBytes, ran.compiled).output, R"("another")");
  }
  folder.write("index.js", answering("\u00e9", kLargeBytes - 1));
  EXPECT_EQ(run(folder.path(), "index", kMostBytes, ran.compiled).output, "\"\u00e9\"");
}

}  // namespace
}  // namespace hearth::conformance
