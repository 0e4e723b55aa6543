// What a user can mend: a setting, a file, the server. index.js makes the framework's own error of it,
// which is shown without a stack. Anything else that is thrown is a bug.
'use strict';

class HearthError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;  // HEARTH_…
  }
}

module.exports = { HearthError };
