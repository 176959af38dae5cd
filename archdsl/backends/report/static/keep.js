// What of a page stays as it was when its network changes: where one is, what one looks at and for.

const keep = {
  places: ['#source-text', '.panel:not(.off) .scroll'],

  /** What is so now; layers are kept by their paths, as their numbers may change. */
  state() {
    const { network, diagram, table, memory, field, panzoom } = app;
    return {
      places: this.places.map((place) => document.querySelector(place)).map((element) =>
        element && [element.scrollLeft, element.scrollTop]),
      page: [scrollX, scrollY],
      focus: document.activeElement && document.activeElement.id,
      chosen: links.chosen && [...members(links.chosen)].map((i) => network.layers.path[i]),
      diagram: diagram.state(),
      view: { x: panzoom.x, y: panzoom.y, scale: panzoom.scale, fitted: panzoom.fitted },
      table: { sorted: table.sorted, kind: table.kind, limit: table.limit },
      memory: { batch: memory.input.value, weights: memory.weights.checked },
      field: { path: network.layers.path[field.layer], at: field.at, picture: field.picture },
    };
  },

  restore(state) {
    const { network, diagram, table, memory, field, panzoom } = app;
    const numbers = new Map(network.layers.path.map((path, i) => [path, i]));
    diagram.restore(state.diagram);
    const { batch, weights } = state.memory;
    if (batch !== memory.input.value || weights !== memory.weights.checked) {
      Object.assign(memory.input, { value: batch });
      Object.assign(memory.weights, { checked: weights });
      memory.draw();
    }
    if (state.table.sorted || state.table.kind || state.table.limit !== table.limit) {
      Object.assign(table, state.table);
      if (!network.layers.families.includes(table.kind)) table.kind = '';
      table.select.value = table.kind;
      table.headed();
      table.update();
    }
    field.picture = state.field.picture;
    field.go(numbers.get(state.field.path), state.field.at);
    const chosen = (state.chosen || []).map((path) => numbers.get(path))
      .filter((i) => i !== undefined).sort((a, b) => a - b);
    if (chosen.length) choose(chosen.flatMap((i) => [i, i + 1]), this);
    if (panzoom.box) {
      Object.assign(panzoom, state.view);
      if (state.view.fitted) panzoom.fit();
      else panzoom.apply();
    }
    state.places.forEach((place, i) => {
      const element = document.querySelector(this.places[i]);
      if (element && place) element.scrollTo(...place);
    });
    const focus = state.focus && byId(state.focus);
    if (focus && focus !== document.activeElement) focus.focus({ preventScroll: true });
    scrollTo(...state.page);
  },
};
