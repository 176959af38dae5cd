// The generated PyTorch module, to be copied whole or class by class.

class CodeView {
  constructor(network, panel) {
    if (!network.torch) {
      panel.append(h('p', { class: 'note' }, 'There is no PyTorch text here.'));
      return;
    }
    const copy = (text, label) => h('button', {
      type: 'button', onclick: (event) => copyText(text, event.target),
    }, label);
    panel.append(
      h('div', { class: 'bar' }, copy(network.torch, 'Copy all'),
        h('span', { class: 'lesser' }, `${network.name}.py, which imports torch alone`)),
      h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'PyTorch code' },
        pieces(network.torch).map((piece) => {
          const name = /^class (\w+)/m.exec(piece);
          const label = name ? `Copy ${name[1]}` : 'Copy this part';
          return h('div', { class: 'piece' }, copy(piece, label), h('pre', {}, painted(piece)));
        })));
  }
}

/** A file's parts: what is before its first class, and each class. */
function pieces(text) {
  return text.split(/^(?=(?:@\w+.*\n)*class |def )/m).filter((part) => part.trim());
}

const MOST_LINES = 2000; // that are coloured; nobody reads more, and a browser would be slow

function painted(text) {
  const code = text.replace(/\n*$/, '\n');
  if (code.split('\n').length > MOST_LINES + 1) return text; // it ends with a line's end
  return tokens(code, PYTHON_WORDS).map(([part, name]) => (name ? h('span', { class: name }, part) : part));
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a page that was opened from a file may not be allowed to
    const area = h('textarea', { class: 'unseen' }, text);
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    button.focus();
  }
  const label = button.dataset.label || button.textContent;
  button.dataset.label = label;
  button.textContent = 'Copied';
  say('copied');
  setTimeout(() => { button.textContent = label; }, 1500);
}
