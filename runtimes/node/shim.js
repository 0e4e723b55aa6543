// The shim of the node runtime: loads one handler and executes invocations that arrive as frames on
// descriptor 3; answers go to 4. The protocol is runtimes/protocol.md; the same suite drives every language's shim:
// runtimes/conformance/.
//
// It shares the process with code that it does not trust to be careful. Whatever it needs from the
// language or from Node is captured here, before the handler's module is loaded, so that a patched
// JSON.stringify or Promise.prototype.then changes the function's own world and not the protocol.
//
// The next frame may stand in the pipe while a call is executed; the kernel keeps it apart from others, and
// it is not read before the call has ended, for until then the platform may take it back.
//
// A version may let an instance take several calls at once. Their frames come and go in batches, and what a
// handler logs is told in frames too, by the call in whose context it was written.
//
// Between calls the shim lets the event loop turn once and then waits in a blocking read: that is
// the quickest way to be woken, and nothing else in the process has anything to do. When something
// of the function keeps the event loop busy (a timer, an open connection), it waits in the event
// loop instead, from then on, so that the function's own work goes on.
'use strict';

const fs = require('fs');
const { flush, flushOverdue, gather, kNoCall, send, sendLog } = require('./answers');
const { describeError } = require('./describe_error');
const { loadHandler } = require('./load_handler');
const { replaceStream, sendLogs, writeAll } = require('./synchronous_output');

const kProtocolVersion = 1;
const kRequestsFd = 3;
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
const { allocUnsafe } = Buffer;
const { isUtf8 } = require('buffer');
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

const sendPlain = (type, text) => {
  send(type, kNoCall, 0, 0, 0, text);
  flush();
};
const sendResult = (call, micros, json) => send(kResult, call, 4, micros, 0, json);
const sendError = (call, micros, kind, description) => send(kError, call, 5, micros, kind, stringifyJson(description));

function elapsedMicros(started) {
  const micros = (now() - started) * 1000;
  return micros > 0xffffffff ? 0xffffffff : micros >>> 0;
}

// ---- the one initialisation

let init;     // the init frame's fields, once it has come
let handler;  // {call, owner}, once it is loaded
let takesCallback = false;
let several = false;  // calls at once
let calls = null;     // then: an AsyncLocalStorage of the call
let current;          // otherwise: the call in hand
let inHand = 0;       // then: calls whose promise is awaited

async function initialise(text) {
  if (init !== undefined) {
    breakOff('a second init');
  }
  init = parseJson(text);
  if (init.protocol !== kProtocolVersion) {
    breakOff(`version ${init.protocol} is not spoken here, ${kProtocolVersion} is`);
  }
  if (init.concurrency > 1) {
    several = true;
    const { AsyncLocalStorage } = require('async_hooks');
    calls = new AsyncLocalStorage();
  }
  sendLogs((stream, bytes) => {
    const call = several ? calls.getStore() : current;
    if (call === undefined || call.ended) {
      return false;
    }
    sendLog(call, stream, bytes);
    return true;
  });
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
  if (several) {
    gather();
  }
  releaseLoop();
  nextTurn(awaitFrame);
}

// ---- one invocation

class Call {
  constructor(low, high) {
    this.low = low;  // the invocation's id
    this.high = high;
    this.ended = false;
    this.started = 0;
  }
}

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

function finish(call, value) {
  const micros = elapsedMicros(call.started);
  call.ended = true;
  let json;
  try {
    json = value === undefined ? 'null' : stringifyJson(value);
  } catch (error) {
    return sendError(call, micros, kBadOutput, describeError(error));
  }
  if (json === undefined) {
    const message = `the handler returned a ${typeof value}, which JSON cannot hold`;
    return sendError(call, micros, kBadOutput, { __proto__: null, type: 'TypeError', message, stack: '' });
  }
  sendResult(call, micros, json);
}

function fail(call, error) {
  call.ended = true;
  sendError(call, elapsedMicros(call.started), kThrew, describeError(error));
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

async function finishLater(call, promise) {
  let value;
  let error;
  let threw = false;
  inHand++;
  holdLoop();
  try {
    value = await promise;
  } catch (reason) {
    error = reason;
    threw = true;
  }
  if (--inHand === 0) {
    releaseLoop();
  }
  if (threw) {
    fail(call, error);
  } else {
    finish(call, value);
  }
  if (several) {
    if (socket !== null) {
      flushSoon();
    }
  } else if (socket !== null) {
    socket.resume();
  } else {
    nextTurn(awaitFrame);
  }
}

let flushing = false;

// The answers of one turn of the event loop go out together.
function flushSoon() {
  if (!flushing) {
    flushing = true;
    nextTurn(() => {
      flushing = false;
      flush();
    });
  }
}

function callHandler(input, context) {
  return takesCallback ? callWithCallback(input, context) : apply(handler.call, handler.owner, [input, context]);
}

// True when the answer comes later, through finishLater().
function invoke(bytes, at, start, end) {
  const call = new Call(readU32(bytes, at + 8), readU32(bytes, at + 12));
  const remainingMs = readU32(bytes, start);
  const idEnd = start + 6 + (bytes[start + 4] | (bytes[start + 5] << 8));
  const requestId = utf8Slice(bytes, start + 6, idEnd);
  let input;
  try {
    input = parseInput(bytes, idEnd, end);
  } catch (error) {
    sendError(call, 0, kBadInput, { __proto__: null, type: error.name, message: error.message, stack: '' });
    return false;
  }
  const context = new Context(requestId, remainingMs);
  current = call;
  call.started = now();
  let value;
  try {
    value = several ? calls.run(call, callHandler, input, context) : callHandler(input, context);
    if (isThenable(value)) {
      finishLater(call, value);
      return true;
    }
  } catch (error) {
    fail(call, error);
    return false;
  }
  finish(call, value);
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

// Takes every frame that is complete. Unless several calls are in hand at once, what arrives is the bytes of
// one frame and never more: the platform sends the next when it has had the answer to the last.
function take(count) {
  if (count === 0) {
    exit(0);
  }
  if (large !== null) {
    copyBytes(received, large, largeBytes, 0, count);
    largeBytes += count;
    receivedBytes = 0;
    return largeBytes === large.length && takeFrame(large, 0, large.length);
  }
  receivedBytes += count;
  let took = false;
  let at = 0;
  while (receivedBytes - at >= kHeaderBytes) {
    const frameBytes = kHeaderBytes + readU32(received, at);
    if (frameBytes > kMaxFrameBytes || (!several && receivedBytes > frameBytes)) {
      breakOff(`a frame of ${frameBytes} bytes`);
    }
    if (receivedBytes - at < frameBytes) {
      if (frameBytes > received.length) {
        large = allocUnsafe(frameBytes);
        largeBytes = receivedBytes - at;
        copyBytes(received, large, 0, at, receivedBytes);
        receivedBytes = 0;
        return took;
      }
      break;
    }
    at += frameBytes;
    takeFrame(received, at - frameBytes, at);
    took = true;
  }
  if (at > 0) {
    copyBytes(received, received, 0, at, receivedBytes);
    receivedBytes -= at;
  }
  return took;
}

function takeFrame(bytes, at, end) {
  if (bytes === large) {
    large = null;
  }
  const type = readU32(bytes, at + 4);
  if (type === kInvoke && handler !== undefined) {
    const later = invoke(bytes, at, at + kHeaderBytes, end);
    if (several) {
      flushOverdue();
    } else if (!later) {
      nextTurn(awaitFrame);
    }
  } else if (type === kInit) {
    initialise(utf8Slice(bytes, at + kHeaderBytes, end));
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
  if (several) {
    flush();
  }
  if (socket !== null) {
    return;
  }
  if (inHand > 0 || activeResources().length > 0) {
    waitInEventLoop();
    return;
  }
  while (!take(readSync(kRequestsFd, received, receivedBytes, wanted(), null)));
  if (several && handler !== undefined) {
    nextTurn(awaitFrame);
  }
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
        if (several) {
          flush();
        } else if (inHand > 0) {
          socket.pause();  // the next call stays in the pipe until this one has ended
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
