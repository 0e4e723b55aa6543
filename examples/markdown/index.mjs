import { marked } from 'marked';

// {"markdown": "# text"} or {"markdown": …, "inline": true}
export default async function (input) {
  if (typeof input?.markdown !== 'string') {
    throw new TypeError('the input has no text "markdown"');
  }
  const html = input.inline ? await marked.parseInline(input.markdown) : await marked.parse(input.markdown);
  return { html, words: input.markdown.split(/\s+/).filter((word) => /\w/.test(word)).length };
}
