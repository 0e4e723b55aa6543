'use strict';

const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');

// Stands for a slow service: an instance has no network unless the server runs with --network nat.
function ask(source, delayMs) {
  return new Promise((resolve) => {
    setTimeout(() => resolve({ source, delayMs, value: source.length * 10 }), delayMs);
  });
}

// All answers are awaited at once, so the call takes as long as the slowest, not as long as all.
module.exports = function (input, context, callback) {
  const sources = input?.sources ?? ['stock', 'price', 'weather'];
  const delayMs = Math.min(Number(input?.delayMs ?? 100), 5_000);
  const started = Date.now();
  const answers = Promise.all(sources.map((source, i) => ask(source, delayMs - (i % 3) * (delayMs / 4))));
  answers
    .then((all) => sum(all))
    .then((total) => callback(null, { sources, total, elapsedMs: Date.now() - started }))
    .catch(callback);
};

// Through a stream, with its back-pressure, as for answers that are too many to hold.
async function sum(answers) {
  let total = 0;
  await pipeline(Readable.from(answers), async function (stream) {
    for await (const answer of stream) total += answer.value;
  });
  return total;
}
