// Live memory along the execution, at inference and in a step of training, for any batch.

const HEIGHT = 128;
const LEFT = 58;

class MemoryView {
  constructor(network, panel, batch) {
    this.network = network;
    this.panel = panel;
    this.courses = [
      ['Inference', network.memory.inference],
      [`A step of training (${network.totals.optimizer})`, network.memory.training],
    ];
    this.input = h('input', {
      id: 'batch', type: 'number', min: 1, max: 1048576, value: batch,
      oninput: () => this.draw(),
    });
    this.weights = h('input', { id: 'weights', type: 'checkbox', onchange: () => this.draw() });
    this.charts = h('div', { class: 'charts scroll' });
    panel.append(h('div', { class: 'bar' }, h('label', { for: 'batch' }, 'Batch'), this.input,
      this.weights, h('label', { for: 'weights' }, 'with weights'),
      h('span', { class: 'lesser' }, '32-bit numbers')), this.charts);
    new ResizeObserver(() => {
      if (this.panel.clientWidth && this.panel.clientWidth !== this.width) this.draw();
    }).observe(panel);
    this.draw();
    link(this);
  }

  get batch() {
    return Math.min(Math.max(1, Math.floor(Number(this.input.value)) || 1), 1048576);
  }

  draw() {
    this.width = this.panel.clientWidth;
    this.marks = [];
    this.charts.replaceChildren(...this.courses.map(([title, course]) => this.chart(title, course)));
    this.choose(links.chosen);
  }

  chart(title, course) {
    const width = Math.max(300, (this.width || 700) - 24);
    const fixed = course.weights + course.optimizer;
    const base = this.weights.checked ? fixed : 0;
    const held = course.each.map((each, i) => base + course.fixed[i] + this.batch * each);
    const most = largest(held);
    const top = held.indexOf(most);
    const count = held.length;
    const x = (i) => LEFT + ((width - LEFT - 8) * (i + 0.5)) / count;
    const y = (bytes) => HEIGHT - 22 - ((HEIGHT - 40) * bytes) / most;
    const step = (width - LEFT - 8) / count / 2;
    const line = held.map((bytes, i) => `${i ? 'L' : 'M'}${(x(i) - step).toFixed(1)} ${y(bytes).toFixed(1)}` +
      `H${(x(i) + step).toFixed(1)}`).join('');
    const [left, right, floor] = [LEFT, width - 8, HEIGHT - 22];
    const rule = s('line', { class: 'rule', y1: 14, y2: floor, visibility: 'hidden' });
    const words = s('text', { class: 'value', y: 11, visibility: 'hidden' });
    const chart = s('svg', {
      class: 'chart', viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img',
      'aria-label': `${title}: at most ${showBytes(most)}, at ${this.name(course, top)}`,
      onmousemove: (event) => move(event), onmouseleave: () => this.leave(rule, words),
      onclick: () => links.pointed && choose(links.pointed, this),
    },
    s('path', { class: 'area', d: `${line}L${right} ${floor}H${left}Z` }),
    s('rect', { class: 'weights', x: left, width: right - left, y: y(base), height: floor - y(base) }),
    s('path', { class: 'line', d: line }),
    s('path', { class: 'axis', d: `M${left} 14V${floor}H${right}` }),
    s('text', { class: 'tick end', x: left - 6, y: y(most) + 4 }, showBytes(most)),
    y(base) > y(most) + 12 && y(base) < floor - 12
      ? s('text', { class: 'tick end', x: left - 6, y: y(base) + 4 }, showBytes(base)) : null,
    s('text', { class: 'tick end', x: left - 6, y: floor }, '0'),
    course.phases.map(([name, at]) => [
      at ? s('line', { class: 'phase', x1: x(at) - step, x2: x(at) - step, y1: 14, y2: floor }) : null,
      name === 'step' || course.phases.length === 1 ? null
        : s('text', { class: 'tick', x: x(at) - step + 4, y: floor + 14 }, name),
    ]),
    s('circle', { class: 'peak', cx: x(top), cy: y(most), r: 3 }), rule, words);
    const move = (event) => {
      const place = chart.getBoundingClientRect();
      const at = ((event.clientX - place.left) * width) / place.width;
      const i = Math.floor(((at - LEFT) * count) / (width - LEFT - 8));
      if (i < 0 || i >= count) return;
      this.mark(rule, words, x(i), `${this.name(course, i)}: ${showBytes(held[i])}`, width);
      pointAt(course.layer[i] < 0 ? null : layerRuns(course.layer[i]), this);
    };
    const picks = s('g', { class: 'picks' });
    chart.append(picks);
    this.marks.push({ course, x, picks, floor, step });
    return h('figure', {}, h('figcaption', {}, h('b', {}, title),
      ` at most ${showBytes(most + fixed - base)}, at ${this.name(course, top)}; `,
      base ? h('span', { class: 'key' }) : null, base ? ' ' : null, showBytes(fixed),
      ` of it weights${course.optimizer ? ' and optimizer' : ''}`,
      base ? '' : ', left out here'), chart);
  }

  name(course, i) {
    const layer = course.layer[i];
    const [phase] = course.phases.filter(([, at]) => at <= i).pop();
    const path = layer < 0 ? 'the optimizer' : this.network.layers.path[layer];
    return course.phases.length === 1 || layer < 0 ? path : `${path}, ${phase}`;
  }

  mark(rule, words, x, text, width) {
    for (const [key, value] of Object.entries({ x1: x, x2: x, visibility: 'visible' })) {
      rule.setAttribute(key, value);
    }
    words.textContent = text;
    words.setAttribute('x', x > width / 2 ? x - 5 : x + 5);
    words.setAttribute('text-anchor', x > width / 2 ? 'end' : 'start');
    words.setAttribute('visibility', 'visible');
  }

  leave(rule, words) {
    rule.setAttribute('visibility', 'hidden');
    words.setAttribute('visibility', 'hidden');
    pointAt(null, this);
  }

  choose(runs) {
    for (const { course, x, picks, floor, step } of this.marks) {
      const chosen = new Set(runs ? members(runs) : []);
      const d = course.layer.map((layer, i) => (chosen.has(layer)
        ? `M${(x(i) - step).toFixed(1)} ${floor + 2}H${(x(i) + step).toFixed(1)}` : '')).join('');
      picks.replaceChildren(s('path', { class: 'pick', d }));
    }
  }
}
