'use strict';

exports.handler = async ({ name = 'world' } = {}) => {
  console.log(`greeting ${name}`);
  return { greeting: `Hello, ${name}!` };
};
