// Frames to the platform, on descriptor 4. Each goes out at once; where an instance has several calls in
// hand, those of one turn share a write.
'use strict';

const { writeAll } = require('./synchronous_output');

const kAnswersFd = 4;
const kHeaderBytes = 16;
const kGatheredBytes = 64 * 1024;
const kLog = 134;
const kLogBytes = 32 * 1024;
const kGatheredMs = 0.5;  // the first answer of a turn waits for the others this long, while they compute

const { allocUnsafe, byteLength } = Buffer;
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const utf8Write = uncurry(Buffer.prototype.utf8Write);
const copyBytes = uncurry(Buffer.prototype.copy);
const now = performance.now.bind(performance);

const gathered = allocUnsafe(kGatheredBytes);
let gatheredBytes = 0;
let gatheredSince = 0;
let gathers = false;

const kNoCall = { __proto__: null, low: 0, high: 0 };

function putU32(bytes, at, value) {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

function flush() {
  const bytes = gatheredBytes;
  if (bytes > 0) {
    gatheredBytes = 0;
    writeAll(kAnswersFd, gathered, bytes);
  }
}

function flushOverdue() {
  if (gatheredBytes > 0 && now() - gatheredSince > kGatheredMs) {
    flush();
  }
}

// `call`: {low, high}, the invocation's id. A payload is a prefix of 0, 4 (`first`) or 5 bytes (`second` too),
// then text.
function send(type, call, prefixBytes, first, second, text) {
  const start = kHeaderBytes + prefixBytes;
  const most = start + text.length * 3;
  if (gatheredBytes + most > kGatheredBytes) {
    flush();
  }
  const fits = most <= kGatheredBytes;
  const frame = fits ? gathered : allocUnsafe(start + byteLength(text));
  const base = fits ? gatheredBytes : 0;
  const textBytes = text.length === 0 ? 0 : utf8Write(frame, text, base + start);
  putU32(frame, base, prefixBytes + textBytes);
  putU32(frame, base + 4, type);
  putU32(frame, base + 8, call.low);
  putU32(frame, base + 12, call.high);
  if (prefixBytes >= 4) {
    putU32(frame, base + kHeaderBytes, first);
  }
  if (prefixBytes === 5) {
    frame[base + start - 1] = second;
  }
  if (!fits) {
    writeAll(kAnswersFd, frame, start + textBytes);
    return;
  }
  if (gathers && gatheredBytes === 0) {
    gatheredSince = now();
  }
  gatheredBytes += start + textBytes;
  if (!gathers) {
    flush();
  }
}

// What a call wrote to stdout (1) or stderr (2), in frames of a bounded size.
function sendLog(call, stream, bytes) {
  for (let at = 0, part; at < bytes.length; at += part) {
    part = bytes.length - at < kLogBytes ? bytes.length - at : kLogBytes;
    const end = kHeaderBytes + 1 + part;
    if (gatheredBytes + end > kGatheredBytes) {
      flush();
    }
    putU32(gathered, gatheredBytes, 1 + part);
    putU32(gathered, gatheredBytes + 4, kLog);
    putU32(gathered, gatheredBytes + 8, call.low);
    putU32(gathered, gatheredBytes + 12, call.high);
    gathered[gatheredBytes + kHeaderBytes] = stream;
    copyBytes(bytes, gathered, gatheredBytes + kHeaderBytes + 1, at, at + part);
    gatheredBytes += end;
  }
  flush();  // so that nothing is lost if the handler never returns
}

// A frame of no call, of any size, that consists of these.
function sendParts(type, parts) {
  flush();
  let bytes = 0;
  for (let i = 0; i < parts.length; ++i) {
    bytes += parts[i].length;
  }
  const head = allocUnsafe(kHeaderBytes);
  putU32(head, 0, bytes);
  putU32(head, 4, type);
  putU32(head, 8, 0);
  putU32(head, 12, 0);
  writeAll(kAnswersFd, head, kHeaderBytes);
  for (let i = 0; i < parts.length; ++i) {
    writeAll(kAnswersFd, parts[i], parts[i].length);
  }
}

// From now on frames wait for flush().
function gather() {
  gathers = true;
}

// What `work` answers is for nobody.
function answerNobody(work) {
  gathers = true;
  work();
  gathers = false;
  gatheredBytes = 0;
}

module.exports = { answerNobody, flush, flushOverdue, gather, kNoCall, putU32, send, sendLog, sendParts };
