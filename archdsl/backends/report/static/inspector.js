// The strip at the bottom: all that is known of the layer that is pointed at, else of the chosen one.

class Inspector {
  constructor(network) {
    this.network = network;
    this.strip = byId('inspector');
    this.show(null);
    link(this);
  }

  point(runs) {
    this.show(runs || links.chosen);
  }

  choose(runs) {
    this.show(runs);
    if (runs) say(this.strip.textContent);
  }

  show(runs) {
    const parts = !runs ? this.hint() : countOf(runs) === 1 ? this.layer(runs[0]) : this.several(runs);
    this.strip.replaceChildren(...parts);
    this.strip.classList.toggle('idle', !runs);
  }

  hint() {
    return [h('p', { class: 'lesser' }, 'Point at a line, a box or a row: all views show what it is. Click to keep it. ',
      h('kbd', {}, '/'), ' search  ', h('kbd', {}, '['), ' ', h('kbd', {}, ']'), ' fold, unfold  ',
      h('kbd', {}, '0'), ' fit  ', h('kbd', {}, 'Esc'), ' let go')];
  }

  terms(pairs) {
    return h('dl', {}, pairs.filter(([, value]) => value).map(([term, value]) =>
      h('div', {}, h('dt', {}, term), h('dd', {}, value))));
  }

  layer(i) {
    const { layers, field } = this.network;
    const from = layers.inputs[i].map((source) =>
      (typeof source === 'number' ? layers.path[source] : source));
    const shared = layers.shares[i];
    return [
      h('p', {}, h('b', { class: `swatched ${layers.families[layers.family[i]]}` }, layers.path[i]),
        ' ', h('code', {}, layers.text[i])),
      this.terms([
        ['output', layers.shape[i]], ['params', layers.params[i] && showWhole(layers.params[i])],
        ['buffers', layers.buffers[i] && showWhole(layers.buffers[i])],
        ['MACs', layers.macs[i] && showWhole(layers.macs[i])],
        ['other ops', layers.other[i] && showWhole(layers.other[i])],
        ['memory', layers.bytes[i] && showBytes(layers.bytes[i])],
        ['field', showField(field, i)], ['reads', shortened(from)],
        ['weights of', shared !== null && layers.path[shared]],
      ]),
    ];
  }

  several(runs) {
    const { layers } = this.network;
    const sum = (key) => {
      let total = 0;
      for (const i of members(runs)) total += layers[key][i];
      return total;
    };
    const last = runs[runs.length - 1] - 1;
    const paths = [layers.path[runs[0]], layers.path[last]];
    const [params, macs, bytes] = [sum('params'), sum('macs'), sum('bytes')];
    return [
      h('p', {}, h('b', {}, plural(countOf(runs), 'layer')), ` ${paths.join(' … ')}`),
      this.terms([
        ['output', layers.shape[last]], ['params', params && showWhole(params)],
        ['MACs', macs && showWhole(macs)], ['memory', bytes && showBytes(bytes)],
        ['field', showField(this.network.field, last)],
      ]),
    ];
  }
}

const shortened = (names) =>
  (names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names).join(', ');
