// Where the server is and the key that it asks for. Pure.
'use strict';

const { HearthError } = require('./hearth_error');

const kDefaultEndpoint = 'http://127.0.0.1:8080';

function parseEndpoint(text) {
  let url = null;
  try {
    url = new URL(text);
  } catch {
    // told below
  }
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new HearthError(
      'HEARTH_INVALID_ENDPOINT',
      'provider.endpoint (or HEARTH_ENDPOINT) is a URL such as http://127.0.0.1:8080; a key belongs into HEARTH_API_KEY, not into it');
  }
  return url.href.replace(/\/+$/, '');
}

function connectionOf(provider, environment) {
  const apiKey = provider.apiKey || environment.HEARTH_API_KEY || '';
  if (!/^[\x21-\x7e]*$/.test(apiKey)) {
    throw new HearthError('HEARTH_INVALID_API_KEY', 'the API key holds a space, a line break or another character that no key has');
  }
  return { endpoint: parseEndpoint(provider.endpoint || environment.HEARTH_ENDPOINT || kDefaultEndpoint), apiKey };
}

module.exports = { connectionOf, kDefaultEndpoint };
