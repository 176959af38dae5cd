// Colours for comments, texts, numbers and keywords, of the spec's language and of Python.

const SPEC_WORDS = new Set(
  ('param let block network input output aux default init if else import expect train reuse as ' +
    'true false and or not sequence').split(' '),
);
const PYTHON_WORDS = new Set(
  ('import from as class def return super for in if else elif not and or None True False self ' +
    'with lambda yield').split(' '),
);
const TOKEN = /(#.*$)|("""[^]*?"""|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(\b\d[\d_.]*(?:x\d+)*(?:e-?\d+)?\b)|([A-Za-z_]\w*)/gm;

/** The parts of a text: [text, class] each, the class empty for what is plain. */
function tokens(text, words) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [part, comment, string, number, word] = match;
    const look = comment ? 'comment' : string ? 'string' : number ? 'number'
      : words.has(word) ? 'word' : '';
    if (match.index > end) found.push([text.slice(end, match.index), '']);
    found.push([part, look]);
    end = match.index + part.length;
  }
  if (end < text.length) found.push([text.slice(end), '']);
  return found;
}
