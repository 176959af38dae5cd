// Colours for comments, texts, numbers and keywords, of the spec's language and of Python.

const SPEC_WORDS = new Set(
  ('param let block network input output aux default init if else import expect train reuse as ' +
    'true false and or not sequence').split(' '),
);
const PYTHON_WORDS = new Set(
  ('import from as class def return super for in if else elif not and or None True False self ' +
    'with lambda yield').split(' '),
);
const TOKEN = /(#.*$)|("""|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(\b\d[\d_.]*(?:x\d+)*(?:e-?\d+)?\b)|([A-Za-z_]\w*)/gm;

/** The parts of a line: [text, class] each, the class empty for what is plain. */
function tokens(line, words) {
  const found = [];
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    const [text, comment, string, number, word] = match;
    const look = comment ? 'comment' : string ? 'string' : number ? 'number'
      : words.has(word) ? 'word' : '';
    if (match.index > end) found.push([line.slice(end, match.index), '']);
    found.push([text, look]);
    end = match.index + text.length;
  }
  if (end < line.length) found.push([line.slice(end), '']);
  return found;
}
