// The receptive field: a unit of a layer, and the part of the input that it sees.

class FieldView {
  constructor(network, panel) {
    this.network = network;
    this.field = network.field;
    this.layer = this.first();
    this.picture = null;
    this.build(panel);
    new ResizeObserver(() => this.draw()).observe(panel);
    this.open(this.layer);
    link(this);
  }

  /** The last layer whose units do not see everything: where the field is most of interest. */
  first() {
    const { windows } = this.field;
    const last = windows.findLastIndex((w) => Array.isArray(w));
    return Math.max(0, last);
  }

  build(panel) {
    const number = (id, axis) => h('input', {
      id, type: 'number', min: 0, value: 0,
      oninput: (event) => this.move(axis, Number(event.target.value)),
    });
    this.slider = h('input', {
      id: 'depth', type: 'range', min: 0, max: this.network.layers.path.length - 1, value: this.layer,
      oninput: () => choose(layerRuns(Number(this.slider.value)), null),
    });
    this.row = number('unit-row', 0);
    this.column = number('unit-column', 1);
    this.name = h('b', { class: 'path' });
    this.words = h('p', { class: 'words', 'aria-live': 'polite' });
    this.units = h('canvas', {
      tabindex: 0, role: 'img', class: 'units',
      onpointermove: (event) => this.hover(event), onpointerdown: (event) => this.hover(event),
      onkeydown: (event) => this.key(event),
    });
    this.input = h('canvas', { role: 'img', class: 'input' });
    this.file = h('input', {
      type: 'file', id: 'picture', accept: 'image/*', class: 'unseen',
      onchange: () => this.take(this.file.files[0]),
    });
    this.drop = h('figure', {
      class: 'drop',
      ondragover: (event) => { event.preventDefault(); this.drop.classList.add('over'); },
      ondragleave: () => this.drop.classList.remove('over'),
      ondrop: (event) => {
        event.preventDefault();
        this.drop.classList.remove('over');
        this.take(event.dataTransfer.files[0]);
      },
    }, h('figcaption', {}, 'The input: drop a picture on it, or ', this.file,
      h('label', { for: 'picture', class: 'button' }, 'choose one')), this.input);
    panel.append(
      h('div', { class: 'bar' }, h('label', { for: 'depth' }, 'Layer'), this.slider, this.name,
        h('label', { for: 'unit-row' }, 'row'), this.row,
        h('label', { for: 'unit-column' }, 'column'), this.column),
      this.words,
      h('div', { class: 'fields scroll' },
        this.left = h('figure', {}, this.caption = h('figcaption'), this.units), this.drop));
  }

  get grid() {
    return this.field.grids[this.layer];
  }

  open(layer) {
    const same = layer === this.layer && this.at;
    const before = this.at ? this.at.map((n, axis) => (n + 0.5) / this.sides[axis]) : [];
    this.layer = layer;
    this.sides = this.grid;
    const local = Array.isArray(this.field.windows[layer]);
    if (!same) {
      this.at = this.sides.map((side, axis) =>
        Math.min(side - 1, Math.floor(side * (before[axis] ?? 0.5))));
    }
    this.slider.value = layer;
    this.name.textContent = this.network.layers.path[layer];
    [this.row, this.column].forEach((input, axis) => {
      const here = axis < this.sides.length;
      input.disabled = !here;
      input.max = here ? this.sides[axis] - 1 : 0;
    });
    this.left.hidden = !this.sides.length;
    this.caption.textContent = this.sides.length
      ? `The ${this.sides.join('×')} units of its output: point at one` : '';
    this.units.setAttribute('aria-label', local
      ? 'The units of the layer; arrow keys move' : 'The units of the layer');
    this.draw();
  }

  /** To a unit of a layer, where there are such a layer and such a unit. */
  go(layer, at) {
    if (layer === undefined) return;
    this.open(layer);
    if (at.length === this.sides.length) {
      this.at = at.map((n, axis) => Math.min(n, this.sides[axis] - 1));
    }
    this.draw();
  }

  move(axis, to) {
    if (!(axis in this.at)) return;
    this.at[axis] = Math.min(Math.max(0, Math.floor(to) || 0), this.sides[axis] - 1);
    this.draw();
  }

  hover(event) {
    const place = this.units.getBoundingClientRect();
    const [rows, columns] = this.plane(this.sides);
    const row = Math.floor(((event.clientY - place.top) * rows) / place.height);
    const column = Math.floor(((event.clientX - place.left) * columns) / place.width);
    if (row < 0 || column < 0 || row >= rows || column >= columns) return;
    const at = this.sides.length === 1 ? [column] : [row, column];
    if (String(at) === String(this.at)) return;
    this.at = at;
    this.draw();
  }

  key(event) {
    const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [1, -1], ArrowRight: [1, 1] }[event.key];
    if (!way) return;
    const axis = this.sides.length === 1 ? 0 : way[0];
    if (axis in this.at) this.move(axis, this.at[axis] + way[1]);
    event.preventDefault();
  }

  /** Sides as rows and columns: one axis is a single row. */
  plane(sides) {
    return sides.length === 2 ? sides : [1, sides[0] || 1];
  }

  async take(file) {
    if (!file) return;
    try {
      this.picture = await createImageBitmap(file);
      say(`${file.name} is the input now`);
    } catch {
      this.words.textContent = `${file.name} is no picture that this browser can read.`;
      return;
    }
    this.draw();
  }

  draw() {
    [this.row, this.column].forEach((input, axis) => {
      input.value = axis < this.at.length ? this.at[axis] : '';
    });
    const region = regionOf(this.field, this.layer, this.at);
    this.words.textContent = this.said(region);
    this.drawInput(region);
    if (this.sides.length) this.drawUnits();
  }

  said(region) {
    const { extent, inputs } = this.field;
    if (!extent.length) return 'The input is a vector: every unit sees all of it.';
    const i = this.layer;
    if (!this.field.windows[i]) return 'This layer reads nothing of the input.';
    if (!region) return `Field ${showField(this.field, i)}.`;
    const several = inputs.length > 1 ? ` (inputs ${inputs.join(', ')})` : '';
    if (region.whole) return `Every unit sees the whole input, ${extent.join('×')}${several}.`;
    const axes = extent.length === 2 ? ['rows', 'columns'] : ['positions'];
    if (!region.clipped) return 'This unit sees padding alone.';
    const parts = region.clipped.map(([a, b], axis) => `${axes[axis]} ${a} to ${b}`);
    const full = region.unclipped.map(([a, b]) => b - a + 1).join('×');
    const cut = String(region.clipped) === String(region.unclipped) ? '' : ', cut at the edges';
    const is = (runs) => [...members(runs)].includes(i);
    const bent = is(this.field.misaligned)
      ? ' Branches that look at different places meet on the way: the window covers all of them.'
      : is(this.field.loose) ? ' The window holds for all units; one of them may see less.' : '';
    return `Unit ${this.at.join(', ')} sees ${parts.join(', ')} of ${extent.join('×')}${several}: ` +
      `field ${full}${cut}, step ${showField(this.field, i).split('/')[1]}.${bent}`;
  }

  /** A canvas as sharp as the screen; gives its context. */
  sized(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  /** Pixels of a plane of these sides in the room that there is. */
  scale(rows, columns) {
    const room = this.drop.parentElement;
    const tall = room.clientHeight < 160 ? 260 : room.clientHeight - 44; // on paper it grows
    const [width, height] = [Math.max(120, room.clientWidth / 2 - 24), tall];
    const by = Math.min(width / columns, height / rows, 400 / Math.max(rows, columns));
    return [Math.max(rows * by, Math.min(24, height)), Math.max(columns * by, 24)];
  }

  colors() {
    const found = {};
    for (const name of ['line', 'well', 'pick', 'soft', 'paper']) {
      this.words.style.color = `var(--${name})`; // a canvas does not resolve variables itself
      found[name] = getComputedStyle(this.words).color;
    }
    this.words.style.color = '';
    return found;
  }

  drawUnits() {
    const [rows, columns] = this.plane(this.sides);
    const [height, width] = this.scale(rows, columns);
    const context = this.sized(this.units, width, height);
    const colors = this.colors();
    const [dy, dx] = [height / rows, width / columns];
    context.fillStyle = colors.well;
    context.fillRect(0, 0, width, height);
    context.strokeStyle = colors.line;
    context.lineWidth = 0.5;
    if (dx >= 4) this.rules(context, columns, rows, dx, dy, width, height);
    context.strokeRect(0.5, 0.5, width - 1, height - 1);
    const [row, column] = this.at.length === 1 ? [0, this.at[0]] : this.at;
    context.fillStyle = colors.pick;
    const [w, h] = [Math.max(dx, 3), Math.max(dy, 3)];
    context.fillRect(column * dx - (w - dx) / 2, row * dy - (h - dy) / 2, w, h);
  }

  rules(context, columns, rows, dx, dy, width, height) {
    context.beginPath();
    for (let i = 1; i < columns; i += 1) {
      context.moveTo(i * dx, 0);
      context.lineTo(i * dx, height);
    }
    for (let i = 1; i < rows; i += 1) {
      context.moveTo(0, i * dy);
      context.lineTo(width, i * dy);
    }
    context.stroke();
  }

  drawInput(region) {
    const { extent } = this.field;
    this.drop.hidden = !extent.length;
    if (!extent.length) return;
    const [rows, columns] = this.plane(extent);
    const edge = 18; // beyond the input, where padding is read
    const [height, width] = this.scale(rows, columns).map((side) => Math.max(side, 24 + 2 * edge));
    const context = this.sized(this.input, width, height);
    const colors = this.colors();
    const [w, h] = [width - 2 * edge, height - 2 * edge];
    const [dy, dx] = [h / rows, w / columns];
    if (this.picture) context.drawImage(this.picture, edge, edge, w, h);
    else this.ruled(context, colors, [rows, columns], [dy, dx], edge, [h, w]);
    this.input.setAttribute('aria-label', `The input, ${this.words.textContent}`);
    if (!region || !region.clipped) return;
    const box = ([[top, bottom], [left, right]]) => [
      edge + left * dx, edge + top * dy, (right - left + 1) * dx, (bottom - top + 1) * dy,
    ];
    const flat = (axes) => (axes.length === 2 ? axes : [[0, 0], axes[0]]);
    const seen = box(flat(region.clipped));
    this.shade(context, colors.paper, [edge, edge, w, h], seen);
    context.strokeStyle = colors.pick;
    context.lineWidth = 2;
    context.strokeRect(...seen);
    context.setLineDash([4, 3]);
    context.lineWidth = 1;
    context.strokeRect(...box(flat(region.unclipped)));
    context.setLineDash([]);
  }

  /** Makes what is not seen faint. */
  shade(context, paper, [x, y, w, h], seen) {
    context.save();
    context.beginPath();
    context.rect(x, y, w, h);
    context.rect(...seen);
    context.clip('evenodd');
    context.globalAlpha = 0.62;
    context.fillStyle = paper;
    context.fillRect(x, y, w, h);
    context.restore();
  }

  /** Without a picture: a ruled plane, its lines numbered. */
  ruled(context, colors, [rows, columns], [dy, dx], edge, [h, w]) {
    const most = Math.max(rows, columns);
    const step = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].find((n) => most / n <= 10) || 1024;
    context.fillStyle = colors.well;
    context.fillRect(edge, edge, w, h);
    context.strokeStyle = colors.line;
    context.fillStyle = colors.soft;
    context.font = '10px sans-serif';
    context.lineWidth = 0.5;
    context.beginPath();
    for (let i = 0; i <= columns; i += step) {
      context.moveTo(edge + i * dx, edge);
      context.lineTo(edge + i * dx, edge + h);
      if (i && i + step / 2 < columns && step * dx > 24) context.fillText(String(i), edge + i * dx + 2, edge + 10);
    }
    for (let i = 0; i <= rows; i += step) {
      context.moveTo(edge, edge + i * dy);
      context.lineTo(edge + w, edge + i * dy);
      if (i && i + step / 2 < rows && step * dy > 12) context.fillText(String(i), edge + 2, edge + i * dy + 10);
    }
    context.stroke();
    context.strokeRect(edge, edge, w, h);
  }

  choose(runs) {
    if (runs) this.open(runs[runs.length - 1] - 1);
  }
}
