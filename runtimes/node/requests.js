// Frames from the platform, on descriptor 3: made whole from what a read brings. The counterpart of answers.js.
// A broken one ends the process.
'use strict';

const { readSync } = require('fs');
const { writeAll } = require('./synchronous_output');

const kRequestsFd = 3;
const kHeaderBytes = 16;
const kReadBytes = 64 * 1024;
const kMaxFrameBytes = 256 * 1024 * 1024;
const kProtocolExitCode = 70;

const { allocUnsafe } = Buffer;
const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const copyBytes = uncurry(Buffer.prototype.copy);
const subarray = uncurry(Buffer.prototype.subarray);
const copyOf = Buffer.from;
const exit = process.exit.bind(process);

const received = allocUnsafe(kReadBytes);
let receivedBytes = 0;  // of the frame's header and payload, in `received`
let large = null;       // a frame that does not fit into `received`, being gathered
let largeBytes = 0;     // of it, so far
let several = false;
let takeFrame;

// Each frame is handed to `taker` as (bytes, at, end): its header begins at `at`, its payload ends at `end`. The
// bytes are overwritten once it returns.
function handFramesTo(taker) {
  takeFrame = taker;
}

// From now on one read may bring several frames.
function expectSeveral() {
  several = true;
}

function breakOff(message) {
  const line = Buffer.from(`hearth: protocol error: ${message}\n`);
  writeAll(2, line, line.length);
  exit(kProtocolExitCode);
}

function readU32(bytes, at) {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

// Bytes of the frame that is being taken, for longer than that.
function keep(bytes, start, end) {
  const part = subarray(bytes, start, end);
  return bytes === received ? copyOf(part) : part;
}

function takeLarge(count) {
  copyBytes(received, large, largeBytes, 0, count);
  largeBytes += count;
  receivedBytes = 0;
  if (largeBytes < large.length) {
    return false;
  }
  const frame = large;
  large = null;
  takeFrame(frame, 0, frame.length);
  return true;
}

// Takes every frame that is complete, and says whether one was. Unless several calls are in hand at once, what
// arrives is the bytes of one frame and never more: the platform sends the next when it has had the answer to the
// last.
function take(count) {
  if (count === 0) {
    exit(0);
  }
  if (large !== null) {
    return takeLarge(count);
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

// How many bytes the next read may bring without going past the frame in hand.
function wanted() {
  const missing = large === null ? kReadBytes - receivedBytes : large.length - largeBytes;
  return missing < kReadBytes ? missing : kReadBytes;
}

// Waits in a blocking read until at least one frame has been taken.
function readFrames() {
  while (!take(readSync(kRequestsFd, received, receivedBytes, wanted(), null)));
}

// From now on, for good, frames are read by the event loop: the descriptor is non-blocking from here on.
// `afterRead` is called when what one read brought has been taken. Returns the socket, for pause() and resume().
function readInEventLoop(afterRead) {
  const { Socket } = require('net');
  const buffer = allocUnsafe(kReadBytes);
  const socket = new Socket({
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
        afterRead();
        return true;
      },
    },
  });
  socket.on('end', () => exit(0));
  socket.on('error', () => exit(0));
  socket.resume();
  return socket;
}

module.exports = { breakOff, expectSeveral, handFramesTo, keep, kHeaderBytes, readFrames, readInEventLoop, readU32 };
