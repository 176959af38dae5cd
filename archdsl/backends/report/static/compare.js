// Networks side by side: their figures, where the weight and the work is, and how two differ.

const FIGURES = [
  ['Parameters', (f) => f.params, showWhole],
  ['Buffers', (f) => f.buffers, showWhole],
  ['MACs', (f) => f.macs, showWhole],
  ['Memory, inference', (f) => f.memory.inference, showBytes],
  ['Memory, training', (f) => f.memory.training, showBytes],
  ['Depth', (f) => f.depth, showWhole],
];

function drawComparison(section) {
  const { comparison } = DATA;
  const found = comparison.networks;
  const names = found.map((figures) => figures.network);
  section.replaceChildren(
    h('h2', { id: 'compare-title' }, 'Side by side'),
    h('p', { class: 'lesser' }, `MACs of one example, memory for a batch of ${showWhole(comparison.batch)}. `,
      `× is the ratio to ${names[0]}.`),
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Figures of each' },
      figuresTable(found, names)),
    h('h2', {}, 'Where it is'),
    h('div', { class: 'stages' }, found.map((figures, i) => stagesOf(figures, found, names[i]))),
    ...(comparison.diff.length ? [
      h('h2', {}, 'Layer by layer'),
      h('pre', { class: 'diff scroll', tabindex: 0, role: 'region', 'aria-label': 'Differences' },
        comparison.diff.map(([sign, text]) => h('span', { class: SIGNS[sign] }, `${text}\n`))),
    ] : []));
}

const SIGNS = { ' ': 'alike', '-': 'gone', '+': 'new', '~': 'changed' };

function figuresTable(found, names) {
  const most = (get) => Math.max(1, ...found.map(get));
  const field = (figures) => (figures.field
    ? `${squared(figures.field.size)}/${squared(figures.field.stride)}` : '–');
  return h('table', { class: 'figures', 'aria-label': 'Figures' },
    h('thead', {}, h('tr', {}, h('td'), names.map((name, i) => h('th', { scope: 'col' },
      h('button', { type: 'button', onclick: () => app.open(i) }, name))))),
    h('tbody', {}, FIGURES.map(([title, get, show]) => h('tr', {}, h('th', { scope: 'row' }, title),
      found.map((figures, i) => {
        const value = get(figures);
        const first = get(found[0]);
        const cell = h('td', { class: 'n barred' }, h('span', {}, value ? show(value) : '–'),
          i && first ? h('small', {}, showRatio(value, first)) : null);
        cell.style.setProperty('--share', value / most(get));
        return cell;
      }))),
    h('tr', {}, h('th', { scope: 'row' }, 'Field / stride'),
      found.map((figures) => h('td', { class: 'n' }, field(figures))))));
}

const squared = (sides) => (new Set(sides).size === 1 ? String(sides[0]) : sides.join('×'));

function stagesOf(figures, found, name) {
  const columns = [['params', 'Params', showCount], ['macs', 'MACs', showCount]];
  const most = (key) => Math.max(1, ...found.flatMap((one) => one.stages.map((stage) => stage[key])));
  const sum = (key) => figures.stages.reduce((all, stage) => all + stage[key], 0);
  return h('table', { class: 'bars' }, h('caption', {}, name),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Part'),
      columns.map(([, title]) => h('th', { scope: 'col', colspan: 2 }, title)))),
    h('tbody', {}, figures.stages.filter((stage) => stage.params || stage.macs).map((stage) => h('tr', {},
      h('th', { scope: 'row', title: stage.text }, stage.name),
      columns.map(([key, , show]) => barCell(stage[key], most(key), sum(key), show))))));
}
