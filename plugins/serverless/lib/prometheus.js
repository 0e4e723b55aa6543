// Reads the server's /metrics. Pure.
'use strict';

// [{name, labels, value}] of the text format 0.0.4, as far as Hearth writes it.
function parseSamples(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) {
      return [];
    }
    const labels = Object.fromEntries([...(match[2] || '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    return [{ name: match[1], labels, value: Number(match[3].replace('Inf', 'Infinity')) }];
  });
}

const named = (samples, name) => samples.filter((sample) => sample.name === name);
const sum = (samples) => samples.reduce((total, { value }) => total + value, 0);

// A histogram with the label start="warm" or "cold": how many, the mean, and the bound of the bucket
// below which 95 % lie; milliseconds.
function durations(samples, start) {
  const own = samples.filter(({ labels }) => labels.start === start);
  const kName = 'hearth_invocation_duration_seconds';
  const count = sum(named(own, `${kName}_count`));
  const bucket = named(own, `${kName}_bucket`).find(({ value }) => value >= 0.95 * count);
  return {
    count,
    meanMs: count ? (sum(named(own, `${kName}_sum`)) / count) * 1000 : null,
    p95BelowMs: count && bucket ? Number(bucket.labels.le.replace('+Inf', 'Infinity')) * 1000 : null,
  };
}

// Of all functions on the server since it started.
function platformOf(text) {
  const samples = parseSamples(text);
  const outcomes = named(samples, 'hearth_invocations_total').filter(({ value }) => value > 0);
  return {
    uptimeSeconds: sum(named(samples, 'hearth_uptime_seconds')),
    invocations: sum(outcomes),
    errors: outcomes.filter(({ labels }) => labels.outcome !== 'returned').map(({ labels, value }) => [labels.outcome, value]),
    rejections: sum(named(samples, 'hearth_rejections_total')),
    warm: durations(samples, 'warm'),
    cold: durations(samples, 'cold'),
  };
}

module.exports = { parseSamples, platformOf };
