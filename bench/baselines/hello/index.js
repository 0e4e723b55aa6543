'use strict';

// The handler that both sides of a comparison run: Hearth as a function, node_http.js in its process.
module.exports = function (input) {
  return { message: `Hello, ${input?.name ?? 'world'}!` };
};
