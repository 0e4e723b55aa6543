// The shim of the node runtime: loads one handler and executes invocations that arrive as frames on
// descriptor 3; answers go to 4. The protocol is runtimes/protocol.md; the same suite drives every language's shim:
// runtimes/conformance/.
//
// It shares the process with code that it does not trust to be careful. Whatever it needs from the
// language or from Node is captured here, before the handler's module is loaded, so that a patched
// JSON.stringify or Promise.prototype.then changes the function's own world and not the protocol.
//
// Between calls the shim lets the event loop turn once and then waits in a blocking read: that is
// the quickest way to be woken, and nothing else in the process has anything to do. When something
// of the function keeps the event loop busy (a timer, an open connection), it waits in the event
// loop instead, from then on, so that the function's own work goes on.
'use strict';

const fs = require('fs');
const { describeError } = require('./describe_error');
const { loadHandler } = require('./load_handler');
const { replaceStream, writeAll } = require('./synchronous_output');

const kProtocolVersion = 1;
const kRequestsFd = 3;
const kAnswersFd = 4;
const kHeaderBytes = 16;
const kReadBytes = 64 * 1024;
const kMaxFrameBytes = 256 * 1024 * 1024;
const kProtocolExitCode = 70;

const kInit = 1;
const kInvoke = 2;
const kReady = 129;
const kLoaded = 130;
const kInitError = 131;
const kResult = 132;
const kError = 133;

const kThrew = 0;
const kBadInput = 1;
const kBadOutput = 2;

// What is captured from the language and from Node.
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const { apply } = Reflect;
const { parse: parseJson, stringify: stringifyJson } = JSON;
const { readSync } = fs;
const { allocUnsafe, byteLength } = Buffer;
const { isUtf8 } = require('buffer');
const utf8Write = uncurry(Buffer.prototype.utf8Write);
const utf8Slice = uncurry(Buffer.prototype.utf8Slice);
const copyBytes = uncurry(Buffer.prototype.copy);
const includes = uncurry(String.prototype.includes);
const now = performance.now.bind(performance);
const nextTurn = setImmediate;
const exit = process.exit.bind(process);
const activeResources = process.getActiveResourcesInfo.bind(process);
const NativePromise = Promise;
const NativeSyntaxError = SyntaxError;

// Keeps the event loop alive while a promise of the function is awaited, and only then.
const keepAlive = setInterval(() => {}, 0x7fffffff);
keepAlive.unref();
const holdLoop = keepAlive.ref.bind(keepAlive);
const releaseLoop = keepAlive.unref.bind(keepAlive);

// ---- frames out

function breakOff(message) {
  const line = Buffer.from(`hearth: protocol error: ${message}\n`);
  writeAll(2, line, line.length);
  exit(kProtocolExitCode);
}

const scratch = allocUnsafe(64 * 1024);
const idBytes = allocUnsafe(8).fill(0);  // of the invocation in hand; 0 outside of one

function putU32(bytes, at, value) {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

// One frame, one write. A payload is a prefix of 0, 4 (`first`) or 5 bytes (`second` too), then text.
function send(type, prefixBytes, first, second, text) {
  const start = kHeaderBytes + prefixBytes;
  let frame = scratch;
  if (start + text.length * 3 > scratch.length) {
    frame = allocUnsafe(start + byteLength(text));
  }
  const textBytes = text.length === 0 ? 0 : utf8Write(frame, text, start);
  putU32(frame, 0, prefixBytes + textBytes);
  putU32(frame, 4, type);
  for (let i = 0; i < 8; i++) {
    frame[8 + i] = idBytes[i];
  }
  if (prefixBytes >= 4) {
    putU32(frame, kHeaderBytes, first);
  }
  if (prefixBytes === 5) {
    frame[kHeaderBytes + 4] = second;
  }
  writeAll(kAnswersFd, frame, start + textBytes);
}

const sendPlain = (type, text) => send(type, 0, 0, 0, text);
const sendResult = (micros, json) => send(kResult, 4, micros, 0, json);
const sendError = (micros, kind, description) => send(kError, 5, micros, kind, stringifyJson(description));

function elapsedMicros(started) {
  const micros = (now() - started) * 1000;
  return micros > 0xffffffff ? 0xffffffff : micros >>> 0;
}

// ---- the one initialisation

let init;     // the init frame's fields, once it has come
let handler;  // {call, owner}, once it is loaded
let takesCallback = false;

async function initialise(text) {
  if (init !== undefined) {
    breakOff('a second init');
  }
  init = parseJson(text);
  if (init.protocol !== kProtocolVersion) {
    breakOff(`version ${init.protocol} is not spoken here, ${kProtocolVersion} is`);
  }
  holdLoop();
  try {
    Object.assign(process.env, init.environment);
    process.chdir(init.codePath);
    handler = await loadHandler(process.cwd(), init.handler);
    takesCallback = handler.call.length >= 3;
    sendPlain(kLoaded, '');
  } catch (error) {
    sendPlain(kInitError, stringifyJson(describeError(error)));
  }
  releaseLoop();
  nextTurn(awaitFrame);
}

// ---- one invocation

class Context {
  #deadline;
  constructor(requestId, remainingMs) {
    this.requestId = requestId;
    this.functionName = init.functionName;
    this.functionVersion = init.functionVersion;
    this.memoryLimitInMB = init.memoryLimitMb;
    this.#deadline = now() + remainingMs;
  }
  getRemainingTimeInMillis() {
    const remaining = this.#deadline - now();
    return remaining > 0 ? remaining : 0;
  }
}

function parseInput(bytes, start, end) {
  if (start === end) {
    return undefined;
  }
  const text = utf8Slice(bytes, start, end);
  if (includes(text, '\ufffd') && isUtf8 !== undefined && !isUtf8(bytes.subarray(start, end))) {
    throw new NativeSyntaxError('The body is not UTF-8');
  }
  return parseJson(text);
}

function finish(started, value) {
  const micros = elapsedMicros(started);
  let json;
  try {
    json = value === undefined ? 'null' : stringifyJson(value);
  } catch (error) {
    return sendError(micros, kBadOutput, describeError(error));
  }
  if (json === undefined) {
    const message = `the handler returned a ${typeof value}, which JSON cannot hold`;
    return sendError(micros, kBadOutput, { __proto__: null, type: 'TypeError', message, stack: '' });
  }
  sendResult(micros, json);
}

function fail(started, error) {
  sendError(elapsedMicros(started), kThrew, describeError(error));
}

// Callback style, for a handler that declares three parameters: the callback decides, or a promise
// if the handler returns one, whichever is first. Any other returned value means nothing.
function callWithCallback(input, context) {
  return new NativePromise((resolve, reject) => {
    const done = (error, value) => (error === null || error === undefined ? resolve(value) : reject(error));
    const returned = apply(handler.call, handler.owner, [input, context, done]);
    if (isThenable(returned)) {
      resolve(returned);
    }
  });
}

function isThenable(value) {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && typeof value.then === 'function';
}

async function finishLater(started, promise) {
  let value;
  let error;
  let threw = false;
  holdLoop();
  try {
    value = await promise;
  } catch (reason) {
    error = reason;
    threw = true;
  }
  releaseLoop();
  if (threw) {
    fail(started, error);
  } else {
    finish(started, value);
  }
  nextTurn(awaitFrame);
}

// True when the answer comes later, through finishLater().
function invoke(bytes, start, end) {
  const remainingMs = readU32(bytes, start);
  const idEnd = start + 6 + (bytes[start + 4] | (bytes[start + 5] << 8));
  const requestId = utf8Slice(bytes, start + 6, idEnd);
  let input;
  try {
    input = parseInput(bytes, idEnd, end);
  } catch (error) {
    sendError(0, kBadInput, { __proto__: null, type: error.name, message: error.message, stack: '' });
    return false;
  }
  const context = new Context(requestId, remainingMs);
  const started = now();
  let value;
  try {
    value = takesCallback ? callWithCallback(input, context) : apply(handler.call, handler.owner, [input, context]);
    if (isThenable(value)) {
      finishLater(started, value);
      return true;
    }
  } catch (error) {
    fail(started, error);
    return false;
  }
  finish(started, value);
  return false;
}

// ---- frames in

const received = allocUnsafe(kReadBytes);
let receivedBytes = 0;    // of the frame's header and payload, in `received`
let large = null;         // a frame that does not fit into `received`, being gathered
let largeBytes = 0;       // of it, so far
let socket = null;        // once the shim waits in the event loop

function readU32(bytes, at) {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

// The platform sends the next frame when it has had the answer to the last, so what arrives is the
// bytes of one frame and never more.
function take(count) {
  if (count === 0) {
    exit(0);
  }
  if (large !== null) {
    copyBytes(received, large, largeBytes, 0, count);
    largeBytes += count;
    receivedBytes = 0;
    return largeBytes === large.length && takeFrame(large, large.length);
  }
  receivedBytes += count;
  if (receivedBytes < kHeaderBytes) {
    return false;
  }
  const frameBytes = kHeaderBytes + readU32(received, 0);
  if (frameBytes > kMaxFrameBytes || receivedBytes > frameBytes) {
    breakOff(`a frame of ${frameBytes} bytes`);
  }
  if (receivedBytes === frameBytes) {
    return takeFrame(received, frameBytes);
  }
  if (frameBytes > received.length) {
    large = allocUnsafe(frameBytes);
    largeBytes = receivedBytes;
    copyBytes(received, large, 0, 0, receivedBytes);
    receivedBytes = 0;
  }
  return false;
}

function takeFrame(bytes, frameBytes) {
  receivedBytes = 0;
  large = null;
  copyBytes(bytes, idBytes, 0, 8, kHeaderBytes);
  const type = readU32(bytes, 4);
  if (type === kInvoke && handler !== undefined) {
    if (!invoke(bytes, kHeaderBytes, frameBytes)) {
      nextTurn(awaitFrame);
    }
  } else if (type === kInit) {
    initialise(utf8Slice(bytes, kHeaderBytes, frameBytes));
  } else {
    breakOff(`a frame of type ${type} where none belongs`);
  }
  return true;
}

// How many bytes the next read may bring without going past the frame in hand.
function wanted() {
  const missing = large === null ? kReadBytes - receivedBytes : large.length - largeBytes;
  return missing < kReadBytes ? missing : kReadBytes;
}

function awaitFrame() {
  if (socket !== null) {
    return;
  }
  if (activeResources().length > 0) {
    waitInEventLoop();
    return;
  }
  while (!take(readSync(kRequestsFd, received, receivedBytes, wanted(), null)));
}

// For good: the socket is non-blocking from here on.
function waitInEventLoop() {
  const { Socket } = require('net');
  const buffer = allocUnsafe(kReadBytes);
  socket = new Socket({
    fd: kRequestsFd,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback(count) {
        for (let at = 0, part; at < count; at += part) {
          part = wanted();
          part = part < count - at ? part : count - at;
          copyBytes(buffer, received, receivedBytes, at, at + part);
          take(part);
        }
        return true;
      },
    },
  });
  socket.on('end', () => exit(0));
  socket.on('error', () => exit(0));
  socket.resume();
}

replaceStream('stdout', 1);
replaceStream('stderr', 2);
sendPlain(kReady, stringifyJson({ protocol: kProtocolVersion, runtime: `node ${process.version}` }));
awaitFrame();
