'use strict';

// Waits as a call to a database would, without using a processor.
module.exports = async function (input) {
  const ms = input?.sleepMs ?? 50;
  await new Promise((done) => setTimeout(done, ms));
  return { sleptMs: ms };
};
