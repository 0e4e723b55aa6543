// serverless metrics: calls, errors and durations. Of single functions the server keeps no counters, so
// theirs are summed from the log entries that it still holds; its own counters are those of all
// functions, of every service. Both are printed under a heading that says so.
'use strict';

const { callStatistics } = require('./call_statistics');
const { HearthError } = require('./hearth_error');
const { momentOf } = require('./moment');
const { platformOf } = require('./prometheus');
const { deployedFunction, ownedBy, readService } = require('./service');
const { table } = require('./table');

const kHeading = ['FUNCTION', 'CALLS', 'ERRORS', 'WARM', 'MEAN', 'P95', 'MAX', 'COLD', 'MEAN', 'P95', 'MAX'];

const milliseconds = (value) => (value === null ? '-' : `${value.toFixed(value < 10 ? 2 : 0)} ms`);

function errorsText(errors) {
  const total = errors.reduce((sum, [, count]) => sum + count, 0);
  return total === 0 ? '0' : `${total} (${errors.map(([outcome, count]) => `${count} ${outcome}`).join(', ')})`;
}

function rowOf(name, { invocations, errors, warm, cold }) {
  const cells = (durations) => [durations.count, milliseconds(durations.meanMs), milliseconds(durations.p95Ms), milliseconds(durations.maxMs)];
  return [name, invocations, errorsText(errors), ...cells(warm), ...cells(cold)];
}

function startText(name, { count, meanMs, p95BelowMs }) {
  if (count === 0) {
    return `  ${name} starts: 0`;
  }
  const bound = p95BelowMs === Infinity ? 'more than the histogram has' : milliseconds(p95BelowMs);
  return `  ${name} starts: ${count}, mean ${milliseconds(meanMs)}, 95 % within ${bound}`;
}

function platformText({ uptimeSeconds, invocations, errors, rejections, warm, cold }) {
  return [
    `All functions of the server, of every service, since it started ${uptimeSeconds} s ago:`,
    `  invocations: ${invocations}`,
    `  errors: ${errorsText(errors)}`,
    `  refused before execution: ${rejections}`,
    startText('warm', warm),
    startText('cold', cold),
  ].join('\n');
}

function rangeOf({ startTime, endTime }) {
  const now = Date.now();
  const range = {};
  if (startTime) {
    range.since = momentOf('startTime', startTime, now);
  }
  if (endTime) {
    range.until = momentOf('endTime', endTime, now);
  }
  if (range.since > range.until) {
    throw new HearthError('HEARTH_INVALID_TIME', '--startTime is after --endTime');
  }
  return range;
}

async function metrics(context) {
  const { api, options } = context;
  const service = readService(context);
  const range = rangeOf(options);
  const functions = options.function ? [await deployedFunction(service, context)] : ownedBy(service, await api.list());
  const rows = [kHeading];
  for (const { id, name } of functions) {
    rows.push(rowOf(name, callStatistics((await api.logs(id)).entries, range)));
  }
  context.writeText(`Service ${service.name}, stage ${service.stage}, from the calls that the server's log still holds (arrival to answer):`);
  context.writeText(rows.length > 1 ? table(rows) : '(nothing is deployed)');
  if (!options.function) {
    context.writeText(`\n${platformText(platformOf(await api.metricsText()))}`);
  }
}

module.exports = { metrics, platformText, rangeOf, rowOf };
