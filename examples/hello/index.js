'use strict';

// What stands outside of the function is set up once an instance, and kept while it is warm.
const loadedAt = new Date().toISOString();
let calls = 0;

module.exports = function (input) {
  calls += 1;
  console.log(`call ${calls} of this instance`);
  return { greeting: `Hello, ${input?.name ?? 'world'}!`, loadedAt, calls };
};
