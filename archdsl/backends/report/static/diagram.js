// The diagram at its levels of detail, and with blocks unfolded where they stand (unfold.js).

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
    this.unfolded = []; // paths of blocks, in the order in which they were unfolded
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
    return !this.levels.length ||
      (this.shown === this.network.pictures.start && !this.unfolded.length);
  }

  state() {
    return this.begun ? null : { name: this.levels[this.shown].name, unfolded: this.unfolded };
  }

  restore(state) {
    const level = state ? this.levels.findIndex(({ name }) => name === state.name) : -1;
    if (level >= 0) this.redraw(level, state.unfolded);
  }

  step(by) {
    const to = this.shown + by;
    if (to >= 0 && to < this.levels.length) this.open(to);
  }

  /** Shows a level; where a path is given, moves to what stands for it there. */
  open(level, path) {
    if (level !== this.shown || this.unfolded.length) this.insert(level);
    this.shown = level;
    this.unfolded = [];
    this.told();
    const target = path && (this.named.get(`cluster/${path}`) || this.named.get(path));
    if (target) this.panzoom.reveal(this.boxOf(target), true);
  }

  /** Shows a level with some blocks unfolded. */
  redraw(level, paths) {
    this.open(level);
    for (const path of paths) {
      const box = this.named.get(path);
      if (box) this.unfold(box);
    }
  }

  told() {
    const level = this.shown;
    const { omitted } = this.network.pictures;
    const name = this.levels[level].name;
    this.level.textContent = (name === 'layers' ? 'every layer'
      : `${level + 1} of ${this.levels.length}`) + (this.unfolded.length ? ' +' : '');
    this.level.title = omitted ? `more detail would be ${showWhole(omitted)} boxes` : 'level of detail';
    this.less.disabled = level === 0;
    this.more.disabled = level + 1 === this.levels.length;
    this.point(links.pointed);
    this.choose(links.chosen);
  }

  /** A level's picture, to be changed at will; its elements know which level they are of. */
  picture(level) {
    const query = `template[data-network="${this.number}"][data-level="${level}"]`;
    const found = document.querySelector(query).content.querySelector('svg').cloneNode(true);
    for (const element of found.querySelectorAll('[data-p]')) element.level = level;
    return found;
  }

  insert(level) {
    const picture = this.picture(level);
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
    this.index();
    this.panzoom.show(this.view, this.view.getBBox());
  }

  /** Finds what stands for which layers, and marks what can be folded. */
  index() {
    this.of = new Map();
    this.frames = new Map();
    this.named = new Map();
    this.runs = new Map();
    this.boxes = [];
    for (const handle of this.view.querySelectorAll('.handle')) handle.remove();
    for (const element of this.view.querySelectorAll('[data-p]')) {
      const { standing } = this.levels[element.level];
      const title = element.classList.contains('title');
      const path = (title ? 'cluster/' : '') + element.dataset.p;
      const runs = standing[path];
      if (!title) this.named.set(path, element);
      if (!runs) continue;
      this.runs.set(element, runs);
      const frame = path.startsWith('cluster/');
      for (const layer of members(runs)) add(frame ? this.frames : this.of, layer, element);
      if (frame) {
        if (!title) this.handle(element, '−', this.folds(element));
      } else {
        element.setAttribute('role', 'button');
        element.setAttribute('tabindex', this.boxes.length ? '-1' : '0');
        this.boxes.push(element);
        this.handle(element, '+', this.finer(element) >= 0);
      }
    }
  }

  /** The level that shows what is in a box, -1 if none does. */
  finer(element) {
    const path = element.dataset.p;
    if (!this.levels[element.level].closed.includes(path)) return -1;
    return this.levels.findIndex((one, i) => i > element.level && `cluster/${path}` in one.standing);
  }

  /** Whether a frame can be a box: because it was one, or at a coarser level. */
  folds(element) {
    const path = element.dataset.p.slice(8);
    return this.unfolded.includes(path) || this.coarser(path) >= 0;
  }

  coarser(path) {
    return this.levels.findLastIndex((one, i) => i < this.shown && one.closed.includes(path));
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
    const runs = this.runs.get(element);
    const frame = element.dataset.p !== path || element.classList.contains('title');
    if (!frame) {
      if (!this.unfold(element)) return;
    } else if (this.unfolded.includes(path)) {
      const inner = (one) => one === path || one.startsWith(`${path}.`);
      const { x, y, scale } = this.panzoom;
      this.redraw(this.shown, this.unfolded.filter((one) => !inner(one)));
      Object.assign(this.panzoom, { x, y, scale });
      this.panzoom.reveal(this.boxOf(this.named.get(path)), true);
    } else {
      const level = this.coarser(path);
      if (level < 0) return;
      this.open(level, path);
    }
    choose(runs, this);
    say(`${path} ${frame ? 'folded' : 'unfolded'}`);
  }

  /** Unfolds a block where it stands; false if no level shows what is in it. */
  unfold(box) {
    const level = this.finer(box);
    if (level < 0) return false;
    const path = box.dataset.p;
    const finer = this.picture(level).firstElementChild;
    const frame = finer.querySelector(`[data-p="${CSS.escape(`cluster/${path}`)}"]`);
    if (!frame) return false;
    unfoldInPlace(this.view.firstElementChild, box, finer, frame);
    this.unfolded = [...this.unfolded, path];
    this.index();
    this.panzoom.grown(this.view.getBBox());
    this.told();
    this.match(this.matching);
    this.panzoom.reveal(this.boxOf(frame), true);
    return true;
  }

  boxOf(element) {
    const shape = element.querySelector('path, polygon, ellipse') || element;
    const own = shape.getBBox();
    const inner = this.view.firstElementChild.transform.baseVal.consolidate();
    const by = inner ? inner.matrix : { e: 0, f: 0 };
    const [dx, dy] = element.shift || [0, 0];
    return { x: own.x + by.e + dx, y: own.y + by.f + dy, width: own.width, height: own.height };
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
