// Search: the words, all of which are in a layer's path, statement, shape or kind.

const search = {
  start() {
    this.input = byId('query');
    this.input.addEventListener('input', () => this.run());
    this.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.next(event.shiftKey ? -1 : 1);
      if (event.key === 'Escape' && this.input.value) {
        this.input.value = '';
        this.run();
        event.stopPropagation();
      }
    });
  },

  open(network, views) {
    const { layers } = network;
    this.views = views;
    this.texts = layers.path.map((path, i) => [
      path, layers.text[i], layers.shape[i], layers.families[layers.family[i]],
    ].join(' ').toLowerCase());
    if (this.input.value) this.run();
  },

  run() {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.found = [];
    this.at = -1;
    if (words.length) {
      this.texts.forEach((text, i) => {
        if (words.every((word) => text.includes(word))) this.found.push(i);
      });
    }
    const hits = words.length ? new Set(this.found) : null;
    byId('matches').textContent = words.length ? showWhole(this.found.length) : '';
    for (const view of this.views) view.match(hits);
  },

  next(by) {
    if (!this.found || !this.found.length) return;
    this.at = (this.at + by + this.found.length) % this.found.length;
    choose(layerRuns(this.found[this.at]), this);
    byId('matches').textContent = `${this.at + 1} of ${showWhole(this.found.length)}`;
  },
};
