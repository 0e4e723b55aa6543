// Sums over the log entries of a function: the server counts per platform only. Pure.
'use strict';

function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

function durationsOf(entries) {
  const sorted = entries.map(({ durationMs }) => durationMs).sort((one, other) => one - other);
  if (sorted.length === 0) {
    return { count: 0, meanMs: null, p95Ms: null, maxMs: null };
  }
  const total = sorted.reduce((sum, value) => sum + value, 0);
  return { count: sorted.length, meanMs: total / sorted.length, p95Ms: percentile(sorted, 0.95), maxMs: sorted[sorted.length - 1] };
}

// The calls that ended from `since` to `until` (ms, Unix time).
function callStatistics(entries, { since = 0, until = Infinity } = {}) {
  const calls = entries.filter(({ time }) => Date.parse(time) >= since && Date.parse(time) <= until);
  const errors = new Map();
  for (const { outcome } of calls.filter((call) => call.outcome !== 'returned')) {
    errors.set(outcome, (errors.get(outcome) || 0) + 1);
  }
  return {
    invocations: calls.length,
    errors: [...errors],
    warm: durationsOf(calls.filter(({ cold }) => !cold)),
    cold: durationsOf(calls.filter(({ cold }) => cold)),
  };
}

module.exports = { callStatistics };
