// The table of layers: sorted by any column, filtered by words and by kind, walked with arrow keys.

const MOST_ROWS = 2000; // that are shown without being asked for

const COLUMNS = [
  { key: 'path', title: 'Layer' },
  { key: 'text', title: 'Statement' },
  { key: 'shape', title: 'Output', number: true, by: (layers, i) => product(layers.shape[i]) },
  { key: 'params', title: 'Params', number: true, show: showCount },
  { key: 'macs', title: 'MACs', number: true, show: showCount },
  { key: 'other', title: 'Other', number: true, show: showCount },
  { key: 'bytes', title: 'Memory', number: true, show: showBytes },
  { key: 'field', title: 'Field', number: true },
];

const product = (shape) => shape.split('x').reduce((all, side) => all * Number(side), 1);

class TableView {
  constructor(network, panel) {
    this.network = network;
    this.layers = network.layers;
    this.fields = network.layers.path.map((_, i) => showField(network.field, i));
    this.sorted = null;
    this.limit = MOST_ROWS;
    this.kind = '';
    this.words = '';
    this.rows = new Map();
    this.lit = new Marks('lit');
    this.picked = new Marks('picked');
    this.training = new Set(members(network.layers.training));
    this.build(panel);
    this.update();
    link(this);
  }

  build(panel) {
    this.select = h('select', { id: 'kind', onchange: () => {
      this.kind = this.select.value;
      this.update();
    } }, h('option', { value: '' }, 'all kinds'),
    this.layers.families.map((family) => h('option', { value: family }, family)));
    this.count = h('output', { class: 'lesser' });
    this.heads = COLUMNS.map((column) => h('th', {
      scope: 'col', class: column.number ? 'n' : '', 'aria-sort': 'none',
    }, h('button', { type: 'button', onclick: () => this.sort(column) }, column.title)));
    this.body = h('tbody', {
      onmouseover: (event) => pointAt(this.runsAt(event), this),
      onmouseleave: () => pointAt(null, this),
      onfocusin: (event) => pointAt(this.runsAt(event), this),
      onclick: (event) => choose(this.runsAt(event), this),
      onkeydown: (event) => this.key(event),
    });
    this.foot = h('tfoot');
    this.scroll = h('div', { class: 'scroll' }, h('table', {
      class: 'layers', role: 'grid', 'aria-label': 'Layers',
    }, h('thead', {}, h('tr', {}, this.heads)), this.body, this.foot));
    panel.append(h('div', { class: 'bar' },
      h('label', { for: 'kind' }, 'Kind'), this.select, this.count), this.scroll);
  }

  value(column, i) {
    if (column.key === 'field') return this.fields[i];
    if (column.by) return column.by(this.layers, i);
    return this.layers[column.key][i];
  }

  order(column, i) {
    if (column.key === 'field') {
      return this.fields[i] === 'all' ? Infinity : parseFloat(this.fields[i]) || 0;
    }
    return this.value(column, i);
  }

  sort(column) {
    const { sorted } = this;
    const first = column.number ? 'descending' : 'ascending';
    const other = { ascending: 'descending', descending: 'ascending' };
    const same = sorted && sorted.column === column;
    if (same && sorted.way !== first) this.sorted = null;
    else this.sorted = { column, way: same ? other[first] : first };
    this.headed();
    this.update();
    say(this.sorted ? `sorted by ${column.title}, ${this.sorted.way}` : 'in the network’s order');
  }

  headed() {
    COLUMNS.forEach((each, i) => {
      const on = this.sorted && this.sorted.column === each;
      this.heads[i].setAttribute('aria-sort', on ? this.sorted.way : 'none');
    });
  }

  /** The layers that are wanted, in the order that is wanted. */
  chosen() {
    const { layers, kind } = this;
    let found = layers.path.map((_, i) => i);
    if (kind) found = found.filter((i) => layers.families[layers.family[i]] === kind);
    if (this.matching) found = found.filter((i) => this.matching.has(i));
    if (this.sorted) {
      const { column, way } = this.sorted;
      const sign = way === 'ascending' ? 1 : -1;
      const keys = new Map(found.map((i) => [i, this.order(column, i)]));
      const compare = column.number
        ? (a, b) => (keys.get(a) === keys.get(b) ? 0 : keys.get(a) < keys.get(b) ? -1 : 1)
        : (a, b) => keys.get(a).localeCompare(keys.get(b), 'en', { numeric: true });
      found.sort((a, b) => sign * compare(a, b) || a - b);
    }
    return found;
  }

  update() {
    const wanted = this.chosen();
    const shown = wanted.slice(0, this.limit);
    this.rows = new Map();
    this.list = shown.map((i) => this.row(i));
    if (this.list.length) this.list[0].tabIndex = 0;
    const rest = wanted.length - shown.length;
    const more = h('tr', {}, h('td', { colspan: COLUMNS.length }, h('button', {
      type: 'button',
      onclick: () => {
        this.limit = Infinity;
        this.update();
      },
    }, `Show ${plural(rest, 'more layer')}`)));
    const none = h('tr', {}, h('td', { colspan: COLUMNS.length, class: 'note' }, 'No layer is like that.'));
    this.body.replaceChildren(...this.list, ...(rest ? [more] : []), ...(wanted.length ? [] : [none]));
    const all = this.layers.path.length;
    this.count.textContent = wanted.length === all ? plural(all, 'layer')
      : `${showWhole(wanted.length)} of ${plural(all, 'layer')}`;
    this.total(wanted);
    this.point(links.pointed);
    this.choose(links.chosen, this);
  }

  row(i) {
    const { layers } = this;
    const row = h('tr', { tabindex: -1, class: this.training.has(i) ? 'training' : '' },
      COLUMNS.map((column) => {
        const value = column.key === 'field' ? this.fields[i] : layers[column.key][i];
        const shown = column.show ? (value ? column.show(value) : '') : value;
        const cell = h('td', { class: column.number ? 'n' : '' }, shown);
        if (column.key === 'path') cell.className = `path swatched ${layers.families[layers.family[i]]}`;
        if (column.key === 'text') cell.className = 'statement';
        return cell;
      }));
    row.layer = i;
    this.rows.set(i, [row]);
    return row;
  }

  total(wanted) {
    const sum = (key) => wanted.reduce((all, i) => all + this.layers[key][i], 0);
    this.foot.replaceChildren(h('tr', {}, h('th', { scope: 'row', colspan: 3 }, 'Sum'),
      ['params', 'macs', 'other', 'bytes'].map((key) => {
        const { show } = COLUMNS.find((column) => column.key === key);
        return h('td', { class: 'n' }, show(sum(key)));
      }), h('td')));
  }

  runsAt(event) {
    const row = event.target.closest('tr');
    return row && row.layer !== undefined ? layerRuns(row.layer) : null;
  }

  key(event) {
    const row = event.target.closest('tr');
    const at = this.list.indexOf(row);
    if (at < 0) return;
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / row.offsetHeight) - 2);
    const last = this.list.length - 1;
    const to = {
      ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + page, PageUp: at - page,
    }[event.key];
    if (to !== undefined) {
      const next = this.list[Math.min(Math.max(to, 0), last)];
      focusOnly(next, row);
      reveal(next, this.scroll);
    } else if (event.key === 'Enter' || event.key === ' ') {
      choose(layerRuns(row.layer), this);
    } else {
      return;
    }
    event.preventDefault();
  }

  point(runs) {
    this.lit.set(elementsOf(this.rows, runs));
  }

  choose(runs, from) {
    for (const row of this.picked.marked) row.removeAttribute('aria-selected');
    this.picked.set(elementsOf(this.rows, runs));
    for (const row of this.picked.marked) row.setAttribute('aria-selected', 'true');
    const [first] = this.picked.marked;
    if (first && from !== this) reveal(first, this.scroll);
  }

  match(layers) {
    this.matching = layers;
    this.update();
  }
}
