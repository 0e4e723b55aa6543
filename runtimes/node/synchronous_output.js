// Output that is in its pipe or socket when the call returns: frames, and the function's own stdout and
// stderr.
'use strict';

const fs = require('fs');
const { Writable } = require('stream');

const { writeSync } = fs;
const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const sleepMs = Atomics.wait.bind(Atomics, sleepCell, 0, 0);

// Writes all of it. A descriptor that a child process has made non-blocking is waited for.
function writeAll(fd, bytes, length) {
  let written = 0;
  while (written < length) {
    try {
      written += writeSync(fd, bytes, written, length - written);
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        throw error;
      }
      sleepMs(1);
    }
  }
}

let tellLog = () => false;

// From now on `tell(fd, bytes)` is asked first; where it returns false, the bytes go into the pipe.
function sendLogs(tell) {
  tellLog = tell;
}

// stdout and stderr are written before write() returns, so that what a handler logged is in the pipe
// before its result is on the socket.
function synchronousStream(fd) {
  const stream = new Writable({
    decodeStrings: true,
    write(chunk, encoding, done) {
      try {
        if (!tellLog(fd, chunk)) {
          writeAll(fd, chunk, chunk.length);
        }
        done();
      } catch (error) {
        done(error);
      }
    },
  });
  stream.fd = fd;
  return stream;
}

function replaceStream(name, fd) {
  let stream;
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      stream ??= synchronousStream(fd);
      return stream;
    },
  });
}

module.exports = { replaceStream, sendLogs, writeAll };
