// Moves and scales a picture: drag or scroll to move, Ctrl and scroll or pinch to scale.

class PanZoom {
  constructor(frame) {
    this.frame = frame;
    this.x = 0;
    this.y = 0;
    this.scale = 1;
    this.pointers = new Map();
    frame.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    frame.addEventListener('pointerdown', (event) => this.down(event));
    frame.addEventListener('pointermove', (event) => this.drag(event));
    for (const end of ['pointerup', 'pointercancel']) {
      frame.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    new ResizeObserver(() => this.resized()).observe(frame);
  }

  /** Shows a group, whose box is x, y, width, height in its own units. */
  show(group, box) {
    this.group = group;
    this.box = box;
    this.fit();
  }

  /** The picture is larger or smaller now, and stays where it is. */
  grown(box) {
    this.box = box;
    this.fitted = false;
    this.apply();
  }

  get size() {
    return [this.frame.clientWidth || 1, this.frame.clientHeight || 1];
  }

  /** The whole picture if it can be read then; else its width, from the top. */
  fit() {
    const [width, height] = this.size;
    const across = (width - 24) / this.box.width;
    const all = Math.min(across, (height - 24) / this.box.height);
    this.scale = Math.min(all >= 0.7 ? all : Math.max(all, Math.min(across, 1)), 1.7);
    this.x = (width - this.box.width * this.scale) / 2 - this.box.x * this.scale;
    const spare = height - this.box.height * this.scale;
    this.y = (spare > 0 ? spare / 2 : 12) - this.box.y * this.scale;
    this.fitted = true;
    this.apply();
  }

  resized() {
    if (!this.box || this.printing) return;
    if (this.fitted) this.fit();
    else this.apply();
  }

  /** Scales by a factor around a point of the frame, its middle if left out. */
  zoom(factor, at) {
    const [width, height] = this.size;
    const [x, y] = at || [width / 2, height / 2];
    const scale = Math.min(8, Math.max(0.05, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.apply();
  }

  move(dx, dy) {
    const before = [this.x, this.y];
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.apply();
    return before[0] !== this.x || before[1] !== this.y;
  }

  /** Moves so that a box of the picture can be seen, scaled up to reading size if asked. */
  reveal(box, readable) {
    const [width, height] = this.size;
    if (readable) {
      const most = Math.min((width - 40) / box.width, (height - 60) / box.height, 1.5);
      this.scale = Math.max(most, Math.min(this.scale, 0.6));
    }
    const [left, top] = [box.x * this.scale + this.x, box.y * this.scale + this.y];
    const [right, bottom] = [left + box.width * this.scale, top + box.height * this.scale];
    if (readable || left < 0 || right > width || top < 0 || bottom > height) {
      const wide = box.width * this.scale > width;
      this.x = wide ? this.x : width / 2 - (box.x + box.width / 2) * this.scale;
      this.y = bottom - top > height ? 24 - box.y * this.scale
        : height / 2 - (box.y + box.height / 2) * this.scale;
      this.fitted = false;
      this.apply();
    }
  }

  /** For paper: the whole picture, as large as the page lets it be; and back. */
  print(on) {
    if (!this.box) return;
    const { x, y, width, height } = this.box;
    const svg = this.group.ownerSVGElement;
    this.printing = on;
    if (on) {
      svg.setAttribute('viewBox', `${x} ${y} ${width} ${height}`);
      this.group.removeAttribute('transform');
    } else {
      svg.removeAttribute('viewBox');
      this.apply();
    }
  }

  /** Keeps a part of the picture in the frame, and moves it there. */
  apply() {
    const [width, height] = this.size;
    const keep = 48;
    const [left, top] = [this.box.x * this.scale, this.box.y * this.scale];
    const [w, h] = [this.box.width * this.scale, this.box.height * this.scale];
    this.x = Math.min(Math.max(this.x, keep - left - w), width - keep - left);
    this.y = Math.min(Math.max(this.y, keep - top - h), height - keep - top);
    this.group.setAttribute('transform', `translate(${this.x} ${this.y}) scale(${this.scale})`);
  }

  place(event) {
    const frame = this.frame.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  wheel(event) {
    if (!this.box) return;
    const unit = event.deltaMode ? 20 : 1;
    if (event.ctrlKey || event.metaKey) {
      this.zoom(Math.exp(-event.deltaY * unit * 0.004), this.place(event));
      event.preventDefault();
    } else if (this.move(-event.deltaX * unit, -event.deltaY * unit)) {
      event.preventDefault();
    }
  }

  down(event) {
    if (event.button || !this.box) return;
    this.pointers.set(event.pointerId, this.place(event));
    this.moved = 0;
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.place(event);
    this.moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, p]) => p);
      const length = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      this.zoom(length(now) / length(before), other);
    } else if (this.moved > 4) {
      if (!this.frame.hasPointerCapture(event.pointerId)) {
        this.frame.setPointerCapture(event.pointerId);
      }
      this.move(now[0] - before[0], now[1] - before[1]);
    }
    if (this.pointers.size === 2 || this.moved > 4) this.pointers.set(event.pointerId, now);
  }

  /** Whether the last press was a drag and no click. */
  get dragged() {
    return this.moved > 4;
  }
}
