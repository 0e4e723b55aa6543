// serverless logs: what past calls wrote, and with --tail what the next ones write.
'use strict';

const { HearthError } = require('./hearth_error');
const { entryTexts } = require('./log_text');
const { momentOf } = require('./moment');
const { deployedFunction, readService } = require('./service');

const kDefaultStart = '10m';      // the framework's
const kDefaultTailStart = '10s';
const kDefaultIntervalMs = 1_000;

function intervalOf({ interval = kDefaultIntervalMs }) {
  const milliseconds = Number(interval);
  if (!Number.isInteger(milliseconds) || milliseconds < 1) {
    throw new HearthError('HEARTH_INVALID_TIME', `--interval is a whole number of milliseconds, not "${interval}"`);
  }
  return milliseconds;
}

// Without --tail it is asked once. Ends with --tail at Ctrl-C, which is the framework's to handle.
async function logs(context) {
  const { api, options } = context;
  const since = momentOf('startTime', options.startTime || (options.tail ? kDefaultTailStart : kDefaultStart), Date.now());
  const intervalMs = intervalOf(options);
  const { id } = await deployedFunction(readService(context), context);
  let after = 0;
  do {
    const page = await api.logs(id, { after });
    after = page.next;
    entryTexts(page.entries, { since, filter: options.filter }).forEach((text) => context.writeText(text));
    if (options.tail) {
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  } while (options.tail);
}

module.exports = { logs };
