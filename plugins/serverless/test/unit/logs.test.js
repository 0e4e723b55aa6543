'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { entryText, entryTexts } = require('../../lib/log_text');
const { momentOf } = require('../../lib/moment');

const entry = (time, ...lines) => ({
  time, outcome: 'returned', durationMs: 1.5, cold: true, requestId: 'r', truncated: false,
  lines: lines.map(([stream, text]) => ({ stream, text })),
});

test('an entry is a heading and its lines', () => {
  const text = entryText(entry('T', ['stdout', 'one\ntwo\n'], ['stderr', 'three\n']));
  assert.strictEqual(text, 'T  returned  1.5 ms  cold  r\n  | one\n  | two\n  ! three');
  assert.match(entryText({ ...entry('T'), truncated: true }), /the rest is lost/);
});

test('entries since a moment, lines with a word', () => {
  const entries = [
    entry('2026-01-01T00:00:00.000Z', ['stdout', 'old apple\n']),
    entry('2026-01-02T00:00:00.000Z', ['stdout', 'apple\npear\n']),
    entry('2026-01-03T00:00:00.000Z', ['stdout', 'pear\n']),
  ];
  const since = Date.parse('2026-01-02T00:00:00Z');
  assert.strictEqual(entryTexts(entries).length, 3);
  assert.strictEqual(entryTexts(entries, { since }).length, 2);
  assert.deepStrictEqual(entryTexts(entries, { since, filter: 'apple' }), ['2026-01-02T00:00:00.000Z  returned  1.5 ms  cold  r\n  | apple']);
});

test('moments', () => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  assert.strictEqual(momentOf('startTime', '10m', now), now - 600_000);
  assert.strictEqual(momentOf('startTime', '1d', now), now - 86_400_000);
  assert.strictEqual(momentOf('startTime', '2026-01-31T11:00:00Z', now), now - 3_600_000);
  assert.strictEqual(momentOf('startTime', String(now), now), now);
  for (const text of ['soon', '10', '10x', '']) {
    assert.throws(() => momentOf('startTime', text, now), { code: 'HEARTH_INVALID_TIME', message: /--startTime/ }, text);
  }
});
