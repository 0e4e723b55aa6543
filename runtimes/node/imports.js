// Before V8 12 what comes out of a compile cache has lost whom an import() in it asks, and in what it evaluates.
// Which sources that matters to is told from their words.
'use strict';

const uncurry = Function.prototype.bind.bind(Function.prototype.call);
const charCodeAt = uncurry(String.prototype.charCodeAt);
const indexOf = uncurry(String.prototype.indexOf);
const kImportsSurvive = parseInt(process.versions.v8, 10) >= 12;

// Whether `word` stands before a parenthesis in it, or before a comment that may hide one.
function mayCall(text, word) {
  for (let at = indexOf(text, word); at >= 0; at = indexOf(text, word, at)) {
    at += word.length;
    while (charCodeAt(text, at) <= 0x20) {
      ++at;
    }
    const next = charCodeAt(text, at);
    if (next === 0x28 || next === 0x2f || next > 0x7f) {
      return true;
    }
  }
  return false;
}

// Of ASCII: beyond that there are spaces too.
const isInWord = (char) => (char >= 0x30 && char <= 0x39) || (char >= 0x41 && char <= 0x5a) || char === 0x5f ||
    (char >= 0x61 && char <= 0x7a) || char === 0x24;

// Whether `word` stands in it, by whatever way it may be called. Before a minus it is a number at most, or it is
// said that something is "eval-ed".
function hasWord(text, word) {
  for (let at = indexOf(text, word); at >= 0; at = indexOf(text, word, at + 1)) {
    const next = charCodeAt(text, at + word.length);
    if (!isInWord(charCodeAt(text, at - 1)) && !isInWord(next) && next !== 0x2d) {
      return true;
    }
  }
  return false;
}

// What is evaluated may import. The same holds of text from elsewhere that the Function constructor is given:
// libraries have that for their templates and import nothing, so it is a limit that protocol.md tells of.
const losesImports = (text) => !kImportsSurvive && (mayCall(text, 'import') || hasWord(text, 'eval'));

module.exports = { losesImports };
