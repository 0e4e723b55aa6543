// What the shim loads while it waits for a function (shim.js: rehearse()).
exports.handler = (input) => input;
