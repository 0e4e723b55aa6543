// Attempts 46 to 49: to speak for the runtime, or for the platform.
#include <gmock/gmock.h>

#include <boost/json/serialize.hpp>

#include "tests/security/fixture.h"

namespace hearth::security {
namespace {

namespace json = boost::json;

// What stands before a handler that writes frames itself (runtimes/protocol.md).
constexpr const char* kFrames = R"js(
const fs = require('fs');
const mark = Math.random();
const frame = (type, id, payload, { length = payload.length, reserved = 0 } = {}) => {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(length, 0);
  head[4] = type;
  head[5] = reserved;
  head.writeBigUInt64LE(BigInt(id), 8);
  return Buffer.concat([head, Buffer.from(payload)]);
};
const send = (...frames) => fs.writeSync(4, Buffer.concat(frames));
const result = (id, text) => frame(132, id, Buffer.concat([Buffer.alloc(4), Buffer.from(text)]));
const id = (context) => context.invocationId ?? 1;
const ways = {
  mark: () => mark,
  garbage: () => send(Buffer.from('HTTP/1.1 200 OK\r\n\r\n' + 'x'.repeat(64))),
  unknown: () => send(frame(200, 0, '')),
  platforms: () => send(frame(2, 1, 'x')),
  early: () => send(frame(130, 0, '')),
  reserved: () => send(frame(132, 1, '    1', { reserved: 7 })),
  another: () => send(result(4711, '"another"')),
  none: () => send(result(0, '"none"')),
  long: () => send(frame(132, 1, '    1', { length: 0xffffffff })),
  half: () => send(frame(132, 1, '    1').subarray(0, 9)),
  compiled: () => send(frame(135, 0, 'code')),
};
)js";

class Channel : public Security {
 protected:
  // Answered as a protocol error, and its instance is gone.
  void expect_killed(const std::string& id, const std::string& way) {
    SCOPED_TRACE(way);
    const json::value before = output_of(id, R"("mark")");
    expect_failure(id, "\"" + way + "\"", 502, "protocol_error");
    EXPECT_NE(output_of(id, R"("mark")"), before) << "another instance";
  }
};

// 46
TEST_F(Channel, WhatIsNoFrameOfItsTurnEndsTheInstanceAndThatCallAlone) {
  const std::string id =
      hostile(std::string(kFrames) +
                  "module.exports = (way) => { const done = ways[way](); return way === 'mark' ? done : "
                  "new Promise((done) => setTimeout(done, 200, 'well')); };",
              {{"timeout", 5'000}});
  for (const char* way :
       {"garbage", "unknown", "platforms", "early", "reserved", "another", "none", "half", "compiled"}) {
    expect_killed(id, way);
  }
  const json::value before = output_of(id, R"("mark")");
  expect_failure(id, R"("long")", 502, "response_too_large");
  EXPECT_NE(output_of(id, R"("mark")"), before);
}

// 46: the second answer comes when nothing is asked; the next call has its own.
TEST_F(Channel, TwoAnswersAreOneAndTheNextCallHasItsOwn) {
  const std::string id = hostile(std::string(kFrames) + R"js(
let calls = 0;
module.exports = (word) => {
  calls += 1;
  if (word !== 'twice') return word;
  send(result(calls, '"first"'), result(calls, '"second"'), result(calls + 1, '"for the next"'));
  return 'third';
};)js");
  EXPECT_EQ(output_of(id, R"("one")"), "one");
  const test::Reply forged = server().invoke(id, R"("twice")");
  EXPECT_TRUE(forged.status == 502 || forged.body.find("\"first\"") != std::string::npos) << forged.body;
  for (const char* word : {"\"two\"", "\"three\"", "\"four\""}) {
    EXPECT_EQ(json::serialize(output_of(id, word)), word);
  }
}

// 46: before the platform has said what is to be loaded, and while it is.
TEST_F(Channel, AnswersBeforeTheFirstCallEndTheStart) {
  const std::string id =
      hostile(std::string(kFrames) + "send(result(1, '\"early\"')); module.exports = (word) => word;");
  const test::Reply reply = server().invoke(id, "\"late\"");
  EXPECT_EQ(reply.status, 502) << reply.body;
  EXPECT_EQ(reply.body.find("\"early\""), std::string::npos);
}

// 47: nothing that is printed is taken for framing.
TEST_F(Channel, NothingPrintedIsTakenForAnAnswer) {
  const std::string id = hostile(std::string(kFrames) + R"js(
module.exports = () => {
  for (const text of ['XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX', 'HEARTH END', '\u0000\u0001', '{"output":"printed"}']) {
    console.log(text);
    console.error(text);
  }
  fs.writeSync(1, result(1, '"printed"'));
  fs.writeSync(2, result(1, '"printed"'));
  return 'returned';
};)js");
  EXPECT_EQ(output_of(id), "returned");
  EXPECT_EQ(output_of(id), "returned");
}

// 48: an instance that sends its own runtime a second init (CVE-2018-11756) has no other code than before.
TEST_F(Channel, ASecondInitIsRefused) {
  const std::string id = hostile_files({{"index.js", std::string(kFrames) + R"js(
module.exports = (word) => {
  if (word !== 'init') return 'first';
  const text = JSON.stringify({ protocol: 2, functionName: 'x', functionId: 'x', functionVersion: 1, handler: 'other',
                                memoryLimitMb: 128, timeoutMs: 1000, codePath: '/code', environment: {}, concurrency: 1,
                                compileCacheBytes: 0 });
  const head = Buffer.alloc(4);
  head.writeUInt32LE(text.length, 0);
  fs.writeFileSync('/proc/self/fd/3', frame(1, 0, Buffer.concat([head, Buffer.from(text)])));
  return 'sent';
};)js"},
                                        {"other.js", "module.exports = () => 'second';"}});
  EXPECT_EQ(output_of(id), "first");
  server().invoke(id, R"("init")");
  for (int i = 0; i < 3; ++i) {
    const test::Reply reply = server().invoke(id, "null");
    EXPECT_EQ(reply.body.find("\"second\""), std::string::npos) << reply.body;
  }
  EXPECT_EQ(output_of(id), "first");
}

// 49: an answer's head is the platform's own; what a function returns is text within its body.
TEST_F(Channel, NoHeaderOfAnAnswerIsAFunctions) {
  const std::string id = hostile(
      "module.exports = () => ({ headers: { 'X-A': 'b\\r\\nSet-Cookie: c', 'Transfer-Encoding': 'chunked' }, "
      "statusCode: 302, multiValueHeaders: Object.fromEntries(Array.from({ length: 10000 }, (_, i) => ['X-' "
      "+ i, 'v'])) });");
  const test::Reply reply = server().invoke(id);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_LE(reply.headers.size(), 8U);
  for (const http::Header& header : reply.headers) {
    EXPECT_THAT(std::string(header.name),
                testing::Not(testing::AnyOf(testing::StartsWith("X-A"), "Set-Cookie", "Transfer-Encoding")));
  }
}

}  // namespace
}  // namespace hearth::security
