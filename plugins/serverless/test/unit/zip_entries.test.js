'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { zipEntries } = require('../../lib/zip_entries');

// Only what a reader of the central directory looks at.
function zipOf(paths, comment = '') {
  const entries = paths.map((path) => {
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(Buffer.byteLength(path), 28);
    entry.writeUInt16LE(3, 30);
    return Buffer.concat([entry, Buffer.from(path), Buffer.alloc(3)]);
  });
  const before = Buffer.from('the files');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(paths.length, 10);
  end.writeUInt32LE(before.length, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([before, ...entries, end, Buffer.from(comment)]);
}

test('the paths in a zip', () => {
  assert.deepStrictEqual(zipEntries(zipOf(['index.js', 'lib/ä.js'])), ['index.js', 'lib/ä.js']);
  assert.deepStrictEqual(zipEntries(zipOf([], 'with a comment')), []);
});

test('what is no zip, or a damaged one, is left to the server', () => {
  const whole = zipOf(['index.js']);
  assert.strictEqual(zipEntries(Buffer.alloc(0)), null);
  assert.strictEqual(zipEntries(Buffer.from('#!/bin/sh\n'.repeat(10))), null);
  const damaged = Buffer.from(whole);
  damaged.writeUInt32LE(0, 9);
  assert.strictEqual(zipEntries(damaged), null);
  const elsewhere = Buffer.from(whole);
  elsewhere.writeUInt32LE(0xfffffff0, whole.length - 6);
  assert.strictEqual(zipEntries(elsewhere), null);
  const countedWrong = Buffer.from(whole);
  countedWrong.writeUInt16LE(7, whole.length - 12);
  assert.strictEqual(zipEntries(countedWrong), null);
});
