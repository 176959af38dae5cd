// The spec's text with costs in the margin, places that stand for layers, and what the linter says.

const COSTS = [
  ['params', 'Params', showCount],
  ['macs', 'MACs', showCount],
  ['bytes', 'Memory', showBytes],
];

class SourceView {
  constructor(network) {
    this.network = network;
    this.lines = new Map(); // of a layer, the rows of the table
    this.spots = new Map(); // of a layer, the places in the text
    this.runs = new Map(); // of a row or a place, its layers
    this.rows = [];
    this.findings = [];
    this.lit = new Marks('lit');
    this.litSpots = new Marks('lit');
    this.picked = new Marks('picked');
    this.pickedSpots = new Marks('picked');
    byId('source-text').replaceChildren(...this.build());
    this.tools();
    this.begin();
    link(this);
  }

  /** Shows the first line that costs something, where a long file begins with others. */
  begin() {
    const pane = byId('source-text');
    const [first] = this.rows;
    pane.scrollTop = 0;
    if (first && first.offsetTop > pane.clientHeight / 2) pane.scrollTop = first.offsetTop - 66;
  }

  build() {
    const files = this.network.files;
    if (!files.length) {
      return [h('p', { class: 'note' }, 'This network did not come from a text.')];
    }
    const most = {};
    for (const [key] of COSTS) {
      most[key] = largest(files.flatMap((file) => Object.values(file.costs))
        .filter((cost) => !cost.call).map((cost) => cost[key]));
    }
    const tables = files.map((file, i) => h('table', {
      class: 'spec', role: 'grid', 'aria-label': file.name,
      onmouseover: (event) => this.over(event), onmouseleave: () => pointAt(null, this),
      onclick: (event) => this.click(event), onkeydown: (event) => this.key(event),
      onfocusin: (event) => this.over(event),
    }, this.head(file, i), h('tbody', {}, file.lines.flatMap((text, n) =>
      this.line(file, text, n + 1, most)))));
    if (this.rows.length) this.rows[0].tabIndex = 0;
    return tables;
  }

  head(file, i) {
    return h('thead', {}, h('tr', {},
      h('th', { scope: 'col', class: 'n' }, h('span', { class: 'unseen' }, 'Line')),
      COSTS.map(([key, title]) => h('th', { scope: 'col', class: `n of-${key}` }, title)),
      h('th', { scope: 'col', class: 'n of-shape' }, 'Output'),
      h('th', { scope: 'col', class: 'n of-field' }, 'Field'),
      h('th', { scope: 'col', class: 'file' }, file.name)));
  }

  line(file, text, number, most) {
    const cost = file.costs[number];
    const code = h('td', { class: 'code' }, this.text(text, file.spots[number] || []));
    const row = h('tr', { class: cost ? 'costs' : 'free' },
      h('td', { class: 'n number' }, String(number)), this.margin(cost, most), code);
    const spots = file.spots[number] || [];
    if (spots.length) {
      const own = [...new Set(spots.flatMap(([, , runs]) => [...members(runs)]))];
      own.sort((a, b) => a - b);
      const runs = [];
      for (const layer of own) {
        if (runs.length && runs[runs.length - 1] === layer) runs[runs.length - 1] += 1;
        else runs.push(layer, layer + 1);
      }
      this.runs.set(row, runs);
      row.tabIndex = -1;
      row.classList.add('linked');
      for (const layer of own) add(this.lines, layer, row);
      this.rows.push(row);
    }
    const found = file.findings.filter((finding) => finding.line === number);
    return [row, ...found.map((finding) => this.finding(finding))];
  }

  margin(cost, most) {
    if (!cost) {
      return ['params', 'macs', 'bytes', 'shape', 'field'].map((key) => h('td', { class: `n of-${key}` }));
    }
    const amounts = COSTS.map(([key, , show]) => {
      const cell = h('td', { class: `n amount of-${key}` });
      if (cost[key]) {
        cell.textContent = cost.call ? `(${show(cost[key])})` : show(cost[key]);
        if (!cost.call) cell.style.setProperty('--share', cost[key] / most[key]);
      }
      return cell;
    });
    const several = cost.shapes > 1 ? '‥' : '';
    return [...amounts, h('td', { class: 'n of-shape' }, several + cost.shape),
      h('td', { class: 'n of-field' }, cost.field === '-' ? '' : cost.field)];
  }

  /** The text of a line, with elements where it stands for layers, one in another. */
  text(text, spots) {
    const cuts = new Set([0, text.length]);
    for (const [start, end] of spots) cuts.add(start - 1).add(end - 1);
    const look = [];
    let at = 0;
    for (const [part, name] of tokens(text, SPEC_WORDS)) {
      look.push([at, at + part.length, name]);
      cuts.add(at);
      at += part.length;
    }
    const places = [...cuts].sort((a, b) => a - b);
    const root = document.createDocumentFragment();
    const open = [[root, Infinity]];
    let spot = 0;
    let token = 0;
    for (let i = 0; i + 1 < places.length; i += 1) {
      const [from, to] = [places[i], places[i + 1]];
      while (open[open.length - 1][1] <= from) open.pop();
      while (spot < spots.length && spots[spot][0] - 1 === from) {
        const [, end, runs] = spots[spot];
        const element = h('span', { class: 'spot' });
        this.runs.set(element, runs);
        for (const layer of members(runs)) add(this.spots, layer, element);
        open[open.length - 1][0].append(element);
        open.push([element, end - 1]);
        spot += 1;
      }
      while (token < look.length && look[token][1] <= from) token += 1;
      const name = token < look.length ? look[token][2] : '';
      const words = text.slice(from, to);
      open[open.length - 1][0].append(name ? h('span', { class: name }, words) : words);
    }
    return root;
  }

  finding(finding) {
    const row = h('tr', { class: `finding ${finding.level}`, tabindex: -1 },
      h('td', { colspan: 7 }, h('div', {},
        h('p', {}, h('b', {}, `${finding.level} ${finding.code} `), finding.title),
        finding.label ? h('p', {}, finding.label) : null,
        finding.notes.map((note) => h('p', { class: 'lesser' }, note)),
        finding.help ? h('p', {}, h('i', {}, 'help: '), finding.help) : null,
        finding.calls.map((call) => h('p', { class: 'lesser' }, `in: ${call}`)))));
    this.findings.push(row);
    return row;
  }

  tools() {
    const count = this.findings.length;
    const next = () => {
      this.told = ((this.told ?? -1) + 1) % count;
      reveal(this.findings[this.told], byId('source-text'));
      this.findings[this.told].focus();
    };
    byId('source-tools').replaceChildren(count
      ? h('button', { type: 'button', class: 'warned', onclick: next, title: 'Go to the next finding' },
        plural(count, 'finding'))
      : h('span', { class: 'lesser' }, 'no findings'));
  }

  at(event) {
    const element = event.target.closest('.spot, tr');
    return this.runs.get(element) ? element : element && element.closest('tr');
  }

  over(event) {
    pointAt(this.runs.get(this.at(event)) || null, this);
  }

  click(event) {
    if (String(document.getSelection())) return;
    const runs = this.runs.get(this.at(event));
    if (runs) choose(runs, this);
  }

  key(event) {
    const row = event.target.closest('tr');
    const at = this.rows.indexOf(row);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && at >= 0) {
      const next = this.rows[at + step];
      if (next) focusOnly(next, row);
      event.preventDefault();
    } else if (event.key === 'Enter' && this.runs.has(row)) {
      choose(this.runs.get(row), this);
    }
  }

  point(runs) {
    this.lit.set(elementsOf(this.lines, runs));
    this.litSpots.set(this.innermost(runs));
  }

  choose(runs, from) {
    const rows = elementsOf(this.lines, runs);
    for (const row of this.picked.marked) row.removeAttribute('aria-selected');
    this.picked.set(rows);
    for (const row of rows) row.setAttribute('aria-selected', 'true');
    const spots = this.innermost(runs);
    this.pickedSpots.set(spots);
    const first = [...spots][0] || [...rows][0];
    if (first && from !== this) reveal(first.closest('tr'), byId('source-text'));
  }

  /** The places that stand for these layers and for no others; else the smallest around them. */
  innermost(runs) {
    if (!runs) return [];
    const wanted = countOf(runs);
    const found = [...elementsOf(this.spots, runs)];
    const within = found.filter((element) => {
      const own = this.runs.get(element);
      return countOf(own) <= wanted && own[0] >= runs[0] && own[own.length - 1] <= runs[runs.length - 1];
    });
    if (within.length) return within;
    const sizes = found.map((element) => countOf(this.runs.get(element)));
    const least = sizes.reduce((a, b) => Math.min(a, b), Infinity);
    return found.filter((_, i) => sizes[i] === least);
  }
}

/** Adds to a list in a map. */
function add(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Moves the focus, and the one tab stop of a group, to another of its elements. */
function focusOnly(next, before) {
  if (before) before.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
