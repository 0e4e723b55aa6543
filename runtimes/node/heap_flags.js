// The flags that limit V8's heap. V8 reads them when it makes a heap, and after that they are in the way: Node
// has its own modules compiled, and V8 takes what was compiled under the same flags alone. So they are gone from
// now on, which makes the boot a sixth shorter and the load of Node's modules cheaper.
//
// A worker thread has a heap of its own, made under the flags that are there then: they come back for good when
// the first is started.
'use strict';

const given = process.execArgv.filter((flag) => /^--(max-old|max-semi|min-semi)-space-size=\d+$/.test(flag));

// Node's own way to them needs a module that is compiled by then. Newer ones have not got this one, and their V8
// does not mind these flags.
function setterOf() {
  const { noDeprecation } = process;
  process.noDeprecation = true;
  try {
    return process.binding('v8').setFlagsFromString;
  } catch {
    return undefined;
  } finally {
    if (noDeprecation === undefined) {
      delete process.noDeprecation;
    } else {
      process.noDeprecation = noDeprecation;
    }
  }
}

const set = given.length > 0 ? setterOf() : undefined;
const gone = given.map((flag) => flag.replace(/\d+$/, '0'));
let away = false;

function setAll(flags) {
  for (let i = 0; i < flags.length; ++i) {
    set(flags[i]);
  }
}

// What `work` returns, with the flags as they are while nothing needs them.
function without(work) {
  if (set === undefined || away) {
    return work();
  }
  setAll(gone);
  try {
    return work();
  } finally {
    setAll(given);
  }
}

// Whether V8 takes now what it compiled without the flags.
const areAway = () => set === undefined || away;

// A worker starts its message port right before its thread. So does whoever starts a port of his own, and nothing
// tells the two apart: the flags are back then too, and modules that are loaded later have no compile cache.
function bringBackWithWorkers() {
  const { prototype } = MessagePort;
  const { start } = prototype;
  Object.defineProperty(prototype, 'start', {
    configurable: true,
    enumerable: true,
    get() {
      if (away) {
        away = false;
        setAll(given);
      }
      return start;
    },
    set(value) {
      Object.defineProperty(this, 'start', { configurable: true, enumerable: true, writable: true, value });
    },
  });
}

if (set !== undefined) {
  setAll(gone);
  away = true;
  bringBackWithWorkers();
}

module.exports = { areAway, without };
