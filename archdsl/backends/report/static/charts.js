// Where the parameters, the work and the memory are: a row for each outermost part of the network.

class StagesView {
  constructor(network, panel) {
    this.index = new Map();
    this.runs = new Map();
    this.lit = new Marks('lit');
    this.picked = new Marks('picked');
    const { stages } = network;
    const columns = [['params', 'Params', showCount], ['macs', 'MACs', showCount],
      ['bytes', 'Memory of outputs', showBytes]];
    const most = (key) => Math.max(1, ...stages.map((stage) => stage[key]));
    const sum = (key) => stages.reduce((all, stage) => all + stage[key], 0);
    const body = h('tbody', {
      onmouseover: (event) => pointAt(this.runs.get(event.target.closest('tr')) || null, this),
      onmouseleave: () => pointAt(null, this),
      onclick: (event) => choose(this.runs.get(event.target.closest('tr')) || null, this),
    }, stages.map((stage) => {
      const row = h('tr', {}, h('th', { scope: 'row' },
        h('button', { type: 'button', title: stage.text, onfocus: () => pointAt(stage.layers, this) },
          stage.name)),
      columns.map(([key, , show]) => barCell(stage[key], most(key), sum(key), show)));
      this.runs.set(row, stage.layers);
      for (const layer of members(stage.layers)) add(this.index, layer, row);
      return row;
    }));
    panel.append(h('div', { class: 'scroll' }, h('table', { class: 'bars' },
      h('caption', {}, 'By outermost part, one example; a bar is a share of the column’s largest'),
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Part'),
        columns.map(([, title]) => h('th', { scope: 'col', colspan: 2 }, title)))),
      body,
      h('tfoot', {}, h('tr', {}, h('th', { scope: 'row' }, 'Sum'), columns.map(([key, , show]) =>
        [h('td', { class: 'n' }, show(sum(key))), h('td')]))))));
    link(this);
  }

  point(runs) {
    this.lit.set(elementsOf(this.index, runs));
  }

  choose(runs) {
    this.picked.set(elementsOf(this.index, runs));
  }
}

/** A number and a bar with its share in words. */
function barCell(value, most, sum, show) {
  const bar = h('td', { class: 'barred' });
  if (value) {
    const share = (100 * value) / sum;
    bar.style.setProperty('--share', value / most);
    bar.append(h('span', {}, share >= 0.95 ? `${share.toFixed(0)}%` : '<1%'));
  }
  return [h('td', { class: 'n' }, value ? show(value) : ''), bar];
}
