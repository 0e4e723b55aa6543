'use strict';

const kMost = 20_000_000; // one byte each: fits the smallest memory size

// The sieve of Eratosthenes: how many primes are there up to `limit`, and which is the last?
exports.count = (input, context) => {
  const limit = input?.limit ?? 1_000_000;
  if (!Number.isInteger(limit) || limit < 2 || limit > kMost) {
    throw new RangeError(`"limit" is a whole number from 2 to ${kMost}`);
  }
  const started = process.hrtime.bigint();
  const composite = new Uint8Array(limit + 1);
  let count = 0;
  let last = 0;
  for (let n = 2; n <= limit; n += 1) {
    if (composite[n]) continue;
    count += 1;
    last = n;
    for (let multiple = n * n; multiple <= limit; multiple += n) {
      composite[multiple] = 1;
    }
  }
  const milliseconds = Number(process.hrtime.bigint() - started) / 1e6;
  return { limit, count, last, milliseconds, memoryLimitMb: context?.memoryLimitInMB };
};
