'use strict';

// Returns what it was given: what a payload costs on its way in and out.
module.exports = function (input) {
  return input;
};
