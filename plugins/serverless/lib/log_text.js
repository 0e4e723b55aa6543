// Log entries as text, as "hearth logs" prints them: a line of stdout begins with "|", one of stderr
// with "!". Pure.
'use strict';

function linesOf(entry) {
  return entry.lines.flatMap(({ stream, text }) =>
    text.replace(/\n$/, '').split('\n').map((line) => ({ mark: stream === 'stderr' ? '!' : '|', line })));
}

function entryText(entry, lines = linesOf(entry)) {
  const heading = `${entry.time}  ${entry.outcome}  ${entry.durationMs} ms  ${entry.cold ? 'cold' : 'warm'}  ${entry.requestId}`;
  const cut = entry.truncated ? ['  (the function wrote more than the log\'s limit; the rest is lost)'] : [];
  return [heading, ...lines.map(({ mark, line }) => `  ${mark} ${line}`), ...cut].join('\n');
}

// The texts of the entries since `since` (ms, Unix time); with a filter, only of lines that hold it.
function entryTexts(entries, { since = 0, filter = '' } = {}) {
  const recent = entries.filter((entry) => Date.parse(entry.time) >= since);
  if (!filter) {
    return recent.map((entry) => entryText(entry));
  }
  return recent
    .map((entry) => [entry, linesOf(entry).filter(({ line }) => line.includes(filter))])
    .filter(([, lines]) => lines.length > 0)
    .map(([entry, lines]) => entryText(entry, lines));
}

module.exports = { entryText, entryTexts };
