// The diagram at its levels of detail. Unfolding a block goes to the level that shows its inside.

class DiagramView {
  constructor(network, number, panzoom) {
    this.network = network;
    this.number = number;
    this.panzoom = panzoom;
    this.levels = network.pictures.levels;
    this.lit = new Marks('lit');
    this.picked = new Marks('picked');
    this.around = new Marks('around');
    this.shown = -1;
    this.tools();
    if (this.levels.length) this.open(network.pictures.start);
    else this.empty();
    this.legend();
    link(this);
  }

  empty() {
    const count = showWhole(this.network.pictures.omitted);
    byId('canvas').replaceChildren(h('p', { class: 'note' },
      `No picture: it would have ${count} boxes. Layers that are repeated with xN are drawn once.`));
  }

  tools() {
    const button = (label, title, action) =>
      h('button', { type: 'button', 'aria-label': title, title, onclick: action }, label);
    this.less = button('Fold', 'Fold: less detail ( [ )', () => this.step(-1));
    this.more = button('Unfold', 'Unfold: more detail ( ] )', () => this.step(1));
    this.level = h('output', { class: 'level' });
    byId('diagram-tools').replaceChildren(
      this.less, this.level, this.more,
      button('−', 'Make smaller ( - )', () => this.panzoom.zoom(1 / 1.25)),
      button('+', 'Make larger ( + )', () => this.panzoom.zoom(1.25)),
      button('Fit', 'Show all of it ( 0 )', () => this.panzoom.fit()));
  }

  legend() {
    const families = this.network.layers.families;
    byId('legend').replaceChildren(h('ul', { 'aria-label': 'Colours of the diagram' },
      families.map((family) => h('li', {}, h('span', { class: `swatch ${family}` }), family))));
  }

  /** Whether the picture is the one that the page begins with. */
  get begun() {
    return !this.levels.length || this.shown === this.network.pictures.start;
  }

  state() {
    return this.begun ? null : this.levels[this.shown].name;
  }

  restore(name) {
    const level = this.levels.findIndex((one) => one.name === name);
    if (level >= 0) this.open(level);
  }

  step(by) {
    const to = this.shown + by;
    if (to >= 0 && to < this.levels.length) this.open(to);
  }

  /** Shows a level; where a path is given, moves to what stands for it there. */
  open(level, path) {
    if (level !== this.shown) this.insert(level);
    this.shown = level;
    const { omitted } = this.network.pictures;
    const name = this.levels[level].name;
    this.level.textContent = name === 'layers' ? 'every layer'
      : `${level + 1} of ${this.levels.length}`;
    this.level.title = omitted ? `more detail would be ${showWhole(omitted)} boxes` : 'level of detail';
    this.less.disabled = level === 0;
    this.more.disabled = level + 1 === this.levels.length;
    const target = path && (this.named.get(`cluster/${path}`) || this.named.get(path));
    if (target) this.panzoom.reveal(this.boxOf(target), true);
    this.point(links.pointed);
    this.choose(links.chosen);
  }

  insert(level) {
    const query = `template[data-network="${this.number}"][data-level="${level}"]`;
    const picture = document.querySelector(query).content.querySelector('svg').cloneNode(true);
    this.view = s('g', {}, [...picture.children]);
    const svg = s('svg', {
      role: 'group', 'aria-label': `Diagram of ${this.network.name}`,
      onmouseover: (event) => pointAt(this.runsAt(event), this),
      onmouseleave: () => pointAt(null, this),
      onfocusin: (event) => this.focused(event),
      onclick: (event) => this.click(event),
      ondblclick: (event) => this.toggle(event.target.closest('[data-p]')),
      onkeydown: (event) => this.key(event),
    }, this.view);
    byId('canvas').replaceChildren(svg);
    this.index(this.levels[level]);
    this.panzoom.show(this.view, this.view.getBBox());
  }

  /** Finds what stands for which layers, and marks what can be folded. */
  index({ standing, closed }) {
    this.of = new Map();
    this.frames = new Map();
    this.named = new Map();
    this.runs = new Map();
    this.boxes = [];
    const shut = new Set(closed);
    for (const element of this.view.querySelectorAll('[data-p]')) {
      const title = element.classList.contains('title');
      const path = (title ? 'cluster/' : '') + element.dataset.p;
      const runs = standing[path];
      if (!title) this.named.set(path, element);
      if (!runs) continue;
      this.runs.set(element, runs);
      const frame = path.startsWith('cluster/');
      for (const layer of members(runs)) add(frame ? this.frames : this.of, layer, element);
      if (frame) {
        if (!title) this.handle(element, '−', this.levelOf((level) =>
          level.closed.includes(element.dataset.p.slice(8))) >= 0);
      } else {
        element.setAttribute('role', 'button');
        element.setAttribute('tabindex', this.boxes.length ? '-1' : '0');
        this.boxes.push(element);
        this.handle(element, '+', shut.has(path) && this.levelOf((level) =>
          `cluster/${path}` in level.standing) >= 0);
      }
    }
  }

  levelOf(fits) {
    return this.levels.findIndex(fits);
  }

  /** A mark on a block that unfolds or folds it. */
  handle(element, sign, wanted) {
    if (!wanted) return;
    const shapes = [...element.querySelectorAll('path, polygon')];
    const box = shapes[shapes.length - 1].getBBox(); // the outer one of two
    const [x, y] = sign === '+' ? [box.x + box.width, box.y] : [box.x + box.width - 9, box.y + 9];
    element.classList.add('foldable');
    element.append(s('g', { class: 'handle' },
      s('circle', { cx: x, cy: y, r: 5 }),
      s('path', { d: `M${x - 2.5} ${y}h5${sign === '+' ? `M${x} ${y - 2.5}v5` : ''}` })));
  }

  /** Unfolds a block that is a box; folds one that is a frame. */
  toggle(element) {
    if (!element || !this.runs.has(element)) return;
    const path = element.dataset.p.replace(/^cluster\//, '');
    const frame = element.dataset.p.startsWith('cluster/') || element.classList.contains('title');
    const level = frame
      ? this.levels.findLastIndex((one, i) => i < this.shown && one.closed.includes(path))
      : this.levels.findIndex((one, i) => i > this.shown && `cluster/${path}` in one.standing);
    if (level < 0) return;
    choose(this.runs.get(element), this);
    this.open(level, path);
    say(`${path} ${frame ? 'folded' : 'unfolded'}`);
  }

  boxOf(element) {
    const shape = element.querySelector('path, polygon, ellipse') || element;
    const own = shape.getBBox();
    const inner = this.view.firstElementChild.transform.baseVal.consolidate();
    const by = inner ? inner.matrix : { e: 0, f: 0 };
    return { x: own.x + by.e, y: own.y + by.f, width: own.width, height: own.height };
  }

  runsAt(event) {
    const element = event.target.closest('[data-p]');
    return (element && this.runs.get(element)) || null;
  }

  focused(event) {
    const element = event.target.closest('[data-p]');
    if (!element) return;
    pointAt(this.runs.get(element) || null, this);
    this.panzoom.reveal(this.boxOf(element), false);
  }

  click(event) {
    if (this.panzoom.dragged) return;
    if (event.target.closest('.handle')) {
      this.toggle(event.target.closest('[data-p]'));
      return;
    }
    const runs = this.runsAt(event);
    choose(runs, this);
  }

  key(event) {
    const element = event.target.closest('[data-p]');
    const at = this.boxes.indexOf(element);
    if (at < 0) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const next = this.boxes[at + step];
      if (next) focusOnly(next, element);
    } else if (event.key === 'Enter' || event.key === ' ') {
      choose(this.runs.get(element), this);
    } else if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      this.turn(element, event.key === 'ArrowRight');
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Unfolds a box, or folds the frame around one, and keeps the focus there. */
  turn(element, unfold) {
    const runs = this.runs.get(element);
    const frames = unfold ? [element] : [...elementsOf(this.frames, layerRuns(runs[0]))]
      .sort((a, b) => countOf(this.runs.get(a)) - countOf(this.runs.get(b)));
    if (!frames.length) return;
    this.toggle(frames[0]);
    const [first] = elementsOf(this.of, layerRuns(runs[0]));
    if (first && document.activeElement !== first) {
      for (const box of this.boxes) box.tabIndex = -1;
      focusOnly(first);
    }
  }

  /** The boxes of some layers; a frame where all that is in it is meant. */
  standing(runs) {
    return elementsOf(this.of, runs);
  }

  point(runs) {
    if (!this.levels.length) return;
    const boxes = this.standing(runs);
    this.lit.set(boxes);
    const whole = runs && countOf(runs) > 1
      ? [...elementsOf(this.frames, runs)].filter((frame) => {
        const own = this.runs.get(frame);
        return own[0] >= runs[0] && own[own.length - 1] <= runs[runs.length - 1];
      })
      : [];
    this.around.set(whole);
  }

  choose(runs, from) {
    if (!this.levels.length) return;
    const boxes = this.standing(runs);
    this.picked.set(boxes);
    const [first] = boxes;
    if (first && from && from !== this) this.panzoom.reveal(this.boxOf(first), false);
  }

  /** Search: what does not match is faint. */
  match(layers) {
    if (!this.levels.length) return;
    this.matching = layers;
    const svg = this.view.parentNode;
    svg.classList.toggle('searching', Boolean(layers));
    for (const box of this.boxes) {
      const hit = layers && [...members(this.runs.get(box))].some((layer) => layers.has(layer));
      box.classList.toggle('hit', Boolean(hit));
    }
  }
}
