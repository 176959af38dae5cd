// Puts the page together, and the keys that work anywhere in it.

const app = {
  start() {
    theme.start();
    tabs.start();
    search.start();
    this.panzoom = new PanZoom(byId('canvas'));
    this.networks();
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('theme', () => this.field && this.field.draw());
    document.addEventListener('panel', (event) => {
      if (event.detail === 'field' && this.field) this.field.draw();
    });
    addEventListener('beforeprint', () => {
      this.panzoom.print(true);
      this.field.draw();
    });
    addEventListener('afterprint', () => this.panzoom.print(false));
    if (DATA.comparison) {
      drawComparison(byId('compare'));
      this.open(0);
      this.compare();
    } else {
      this.open(0);
    }
  },

  /** The networks of a comparison, as buttons. */
  networks() {
    if (DATA.networks.length < 2) return;
    const button = (name, action) => h('button', { type: 'button', onclick: action }, name);
    this.buttons = [button('Compare', () => this.compare()),
      ...DATA.networks.map((network, i) => button(network.name, () => this.open(i)))];
    byId('networks').hidden = false;
    byId('networks').append(...this.buttons);
  },

  press(at) {
    for (const [i, button] of (this.buttons || []).entries()) {
      button.setAttribute('aria-pressed', String(i === at));
    }
    document.body.classList.toggle('comparing', at === 0 && Boolean(DATA.comparison));
    byId('compare').hidden = !(at === 0 && DATA.comparison);
  },

  compare() {
    this.press(0);
    byId('name').textContent = DATA.networks.map((network) => network.name).join(' · ');
    byId('totals').replaceChildren();
  },

  open(i) {
    const network = DATA.networks[i];
    this.press(DATA.comparison ? i + 1 : -1);
    this.header(network);
    if (this.at === i) return;
    this.at = i;
    this.network = network;
    Object.assign(links, { pointed: null, chosen: null, listeners: [] });
    const shown = tabs.shown || 'layers';
    tabs.clear();
    this.source = new SourceView(network);
    this.diagram = new DiagramView(network, i, this.panzoom);
    const panels = Object.fromEntries(['layers', 'stages', 'memory', 'field', 'code']
      .map((id) => [id, h('div', { class: 'inside' })]));
    tabs.add('layers', 'Layers', panels.layers);
    tabs.add('stages', 'Stages', panels.stages);
    tabs.add('memory', 'Memory', panels.memory);
    tabs.add('field', 'Receptive field', panels.field);
    tabs.add('code', 'PyTorch', panels.code);
    tabs.show(shown);
    this.table = new TableView(network, panels.layers);
    new StagesView(network, panels.stages);
    this.memory = new MemoryView(network, panels.memory, DATA.batch);
    this.field = new FieldView(network, panels.field);
    new CodeView(network, panels.code);
    new Inspector(network);
    search.open(network, [this.table, this.diagram]);
  },

  /** Shows other data; what one looks at stays. */
  change(data) {
    const state = keep.state();
    Object.assign(DATA, data);
    this.at = -1;
    this.open(0);
    keep.restore(state);
  },

  header(network) {
    const { totals, inputs, outputs, memory } = network;
    const peak = (course) => course.weights + course.optimizer +
      largest(course.each.map((each, i) => DATA.batch * each + course.fixed[i]));
    const shapes = (tensors) => tensors.map((tensor) => tensor.shape).join(', ');
    byId('name').textContent = network.name;
    const parameters = Object.entries(network.parameters).map(([key, value]) => `${key}=${value}`);
    const facts = [
      ['in', shapes(inputs)], ['out', shapes(outputs)], ['params', showWhole(totals.params)],
      ['MACs', showCount(totals.macs)], ['layers', showWhole(totals.layers)],
      ['depth', showWhole(totals.depth)], ['inference', showBytes(peak(memory.inference))],
      ['training', showBytes(peak(memory.training))], ['with', parameters.join(' ')],
    ];
    byId('totals').replaceChildren(...facts.filter(([, value]) => value).map(([term, value]) =>
      h('div', {}, h('dt', {}, term), h('dd', {}, value))));
  },

  key(event) {
    const typing = event.target.closest('input, select, textarea');
    if (event.key === 'Escape') {
      if (typing) typing.blur();
      choose(null, null);
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      '/': () => byId('query').select(),
      '[': () => this.diagram.step(-1),
      ']': () => this.diagram.step(1),
      0: () => this.panzoom.box && this.panzoom.fit(),
      '+': () => this.panzoom.box && this.panzoom.zoom(1.25),
      '-': () => this.panzoom.box && this.panzoom.zoom(1 / 1.25),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  },
};

app.start();
