// Keeps the server's key out of sight: a file with a key in it is shared, and printed. Pure.
'use strict';

const kHidden = '(not shown)';
const kLeastChars = 8;  // of a key that is looked for in a file: a shorter one stands in many a word

// `serverless print` prints the settings with all variables resolved: this replaces the key in them.
function hideApiKey(configuration) {
  const { provider } = configuration;
  if (provider !== null && typeof provider === 'object' && provider.apiKey) {
    provider.apiKey = kHidden;
  }
}

// What to tell the author of `fileText`, the service's file; empty when the key of the settings comes from elsewhere.
function literalKeyWarning(provider, fileText) {
  const literal = String(provider.apiKey || '');
  if (literal.length < kLeastChars || !fileText.includes(literal)) {
    return '';
  }
  return 'the API key stands in the service\'s file; set the environment variable HEARTH_API_KEY instead, and take it out';
}

module.exports = { hideApiKey, literalKeyWarning };
