// The shim of the node runtime: loads one handler and executes invocations, which arrive as frames (requests.js)
// and are answered by frames (answers.js). The protocol is runtimes/protocol.md; the same suite drives every
// language's shim: runtimes/conformance/.
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

require('./heap_flags');  // before what Node has compiled is asked for
const { answerNobody, flush, flushOverdue, gather, kNoCall, send, sendLog, sendParts } = require('./answers');
const compileCache = require('./compile_cache');
const { describeError } = require('./describe_error');
const { loadHandler } = require('./load_handler');
const { breakOff, expectSeveral, handFramesTo, keep, kHeaderBytes, readFrames, readInEventLoop, readU32 } = require('./requests');
const { replaceStream, sendLogs } = require('./synchronous_output');

const kProtocolVersion = 2;

const kInit = 1;
const kInvoke = 2;
const kCollect = 3;
const kReady = 129;
const kLoaded = 130;
const kInitError = 131;
const kResult = 132;
const kError = 133;
const kCompiled = 135;

const kThrew = 0;
const kBadInput = 1;
const kBadOutput = 2;

// What is captured from the language and from Node.
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const { apply } = Reflect;
const { parse: parseJson, stringify: stringifyJson } = JSON;
const { isUtf8 } = require('buffer');
const utf8Slice = uncurry(Buffer.prototype.utf8Slice);
const includes = uncurry(String.prototype.includes);
const now = performance.now.bind(performance);
const nextTurn = setImmediate;
const activeResources = process.getActiveResourcesInfo.bind(process);
const NativePromise = Promise;
const NativeSyntaxError = SyntaxError;

// Keeps the event loop alive while a promise of the function is awaited, and only then.
const keepAlive = setInterval(() => {}, 0x7fffffff);
keepAlive.unref();
const holdLoop = keepAlive.ref.bind(keepAlive);
const releaseLoop = keepAlive.unref.bind(keepAlive);

// ---- frames out

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

// The payload: u32 length of the JSON text, the text, and what an earlier instance had compiled.
async function initialise(bytes, start, end) {
  if (init !== undefined) {
    breakOff('a second init');
  }
  const textEnd = start + 4 + readU32(bytes, start);
  if (textEnd > end) {
    breakOff('an init that is shorter than it says');
  }
  init = parseJson(utf8Slice(bytes, start + 4, textEnd));
  if (init.protocol !== kProtocolVersion) {
    breakOff(`version ${init.protocol} is not spoken here, ${kProtocolVersion} is`);
  }
  if (init.concurrency > 1) {
    several = true;
    expectSeveral();
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
    if (init.compileCacheBytes > 0) {
      compileCache.use(process.cwd(), keep(bytes, textEnd, end));
    }
    handler = await loadHandler(process.cwd(), init.handler);
    takesCallback = handler.call.length >= 3;
    sendPlain(kLoaded, '');
  } catch (error) {
    sendPlain(kInitError, stringifyJson(describeError(error)));
  }
  compileCache.loaded();
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
    } else if (inHand === 0) {
      flush();
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

// ---- what later instances need not compile

function sendCompiled() {
  let parts;
  try {
    parts = compileCache.collect(init.compileCacheBytes);
  } catch {
    parts = [];
  }
  sendParts(kCompiled, parts);
  if (!several) {
    nextTurn(awaitFrame);
  }
}

// ---- frames in

let socket = null;  // once the shim waits in the event loop

function takeFrame(bytes, at, end) {
  const type = readU32(bytes, at + 4);
  if (type === kInvoke && handler !== undefined) {
    const later = invoke(bytes, at, at + kHeaderBytes, end);
    if (several) {
      flushOverdue();
    } else if (!later) {
      nextTurn(awaitFrame);
    }
  } else if (type === kInit) {
    initialise(bytes, at + kHeaderBytes, end);
  } else if (type === kCollect && handler !== undefined) {
    sendCompiled();
  } else {
    breakOff(`a frame of type ${type} where none belongs`);
  }
}

function awaitFrame() {
  if (several) {
    flush();
  }
  if (socket !== null) {
    return;
  }
  if (inHand > 0 || activeResources().length > 0) {
    socket = readInEventLoop(afterRead);
    return;
  }
  readFrames();
  if (several && handler !== undefined) {
    if (inHand === 0) {
      flush();  // before the event loop turns: the platform goes on meanwhile
    }
    nextTurn(awaitFrame);
  }
}

function afterRead() {
  if (several) {
    flush();
  } else if (inHand > 0) {
    socket.pause();  // the next call stays in the pipe until this one has ended
  }
}

// ---- before there is a function

// A load and a call while nobody waits: functions are compiled when they are called first, Node's too.
function rehearse() {
  const [, program] = process.argv;
  loadHandler(__dirname, 'rehearsal.handler');
  process.argv[1] = program;
  delete require.cache[require.resolve('./rehearsal')];
  init = { functionName: '', functionVersion: 0, memoryLimitMb: 0 };
  handler = { call: (input) => input, owner: undefined };
  const input = '{"a":[1]}';
  const frame = Buffer.alloc(kHeaderBytes + 6 + input.length);
  frame.utf8Write(input, kHeaderBytes + 6);
  answerNobody(() => invoke(frame, 0, kHeaderBytes, frame.length));
  init = undefined;
  handler = undefined;
  current = undefined;
}

handFramesTo(takeFrame);
replaceStream('stdout', 1);
replaceStream('stderr', 2);
rehearse();
sendPlain(kReady, stringifyJson({ protocol: kProtocolVersion, runtime: `node ${process.version}`, compiles: compileCache.kind }));
awaitFrame();
