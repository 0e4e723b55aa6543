// The framework's ways to name a moment: "10m" ago, a date, or Unix milliseconds. Pure.
'use strict';

const { HearthError } = require('./hearth_error');

const kUnitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

function momentOf(option, text, now) {
  const ago = /^(\d+)([smhdw])$/.exec(text);
  if (ago) {
    return now - Number(ago[1]) * kUnitMs[ago[2]];
  }
  // Date.parse() alone takes "10" for October.
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
  const moment = /^\d{9,}$/.test(text) ? Number(text) : date;
  if (Number.isNaN(moment)) {
    throw new HearthError('HEARTH_INVALID_TIME', `--${option} is a time such as 30m, 2h, 1d, 2026-01-31 or 2026-01-31T12:00:00Z, not "${text}"`);
  }
  return moment;
}

module.exports = { momentOf };
