'use strict';

const assert = require('node:assert');
const test = require('node:test');

const { callStatistics } = require('../../lib/call_statistics');
const { platformText, rangeOf, rowOf } = require('../../lib/metrics');
const { parseSamples, platformOf } = require('../../lib/prometheus');

const kText = `# HELP hearth_uptime_seconds Seconds since the server listens.
# TYPE hearth_uptime_seconds gauge
hearth_uptime_seconds 42
hearth_invocations_total{outcome="returned"} 8
hearth_invocations_total{outcome="threw"} 2
hearth_rejections_total{code="not_found"} 3
hearth_invocation_duration_seconds_bucket{start="warm",le="0.001"} 7
hearth_invocation_duration_seconds_bucket{start="warm",le="0.01"} 8
hearth_invocation_duration_seconds_bucket{start="warm",le="+Inf"} 8
hearth_invocation_duration_seconds_sum{start="warm"} 0.016
hearth_invocation_duration_seconds_count{start="warm"} 8
hearth_invocation_duration_seconds_bucket{start="cold",le="0.1"} 0
hearth_invocation_duration_seconds_bucket{start="cold",le="+Inf"} 2
hearth_invocation_duration_seconds_sum{start="cold"} 4e1
hearth_invocation_duration_seconds_count{start="cold"} 2
`;

test('the samples of a Prometheus text', () => {
  assert.deepStrictEqual(parseSamples('a{x="1",y="b c"} 2\n# HELP a\nb 3e-1\n\nrubbish'), [
    { name: 'a', labels: { x: '1', y: 'b c' }, value: 2 },
    { name: 'b', labels: {}, value: 0.3 },
  ]);
});

test('the platform\'s sums', () => {
  const platform = platformOf(kText);
  assert.deepStrictEqual(platform, {
    uptimeSeconds: 42,
    invocations: 10,
    errors: [['threw', 2]],
    rejections: 3,
    warm: { count: 8, meanMs: 2, p95BelowMs: 10 },
    cold: { count: 2, meanMs: 20_000, p95BelowMs: Infinity },
  });
  assert.match(platformText(platform), /of every service[^]*errors: 2 \(2 threw\)[^]*warm starts: 8, mean 2\.00 ms, 95 % within 10 ms/);
  assert.match(platformText(platformOf('')), /warm starts: 0\n/);
});

const call = (second, outcome, durationMs, cold = false) => ({ time: `2026-01-01T00:00:0${second}.000Z`, outcome, durationMs, cold });
const at = (second) => Date.parse(`2026-01-01T00:00:0${second}Z`);

test('a function\'s sums', () => {
  const calls = [call(1, 'returned', 30, true), call(2, 'returned', 1), call(3, 'threw', 3), call(4, 'threw', 2)];
  assert.deepStrictEqual(callStatistics(calls), {
    invocations: 4,
    errors: [['threw', 2]],
    warm: { count: 3, meanMs: 2, p95Ms: 3, maxMs: 3 },
    cold: { count: 1, meanMs: 30, p95Ms: 30, maxMs: 30 },
  });
  assert.strictEqual(callStatistics(calls, { since: at(2), until: at(3) }).invocations, 2);
  assert.deepStrictEqual(rowOf('f', callStatistics([])), ['f', 0, '0', 0, '-', '-', '-', 0, '-', '-', '-']);
});

test('a range that ends before it begins', () => {
  assert.throws(() => rangeOf({ startTime: '1h', endTime: '2h' }), { code: 'HEARTH_INVALID_TIME' });
});
