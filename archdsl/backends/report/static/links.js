// What is pointed at and what is chosen, as runs of layers. Views say so here and are told here.

const links = {
  pointed: null,
  chosen: null,
  listeners: [],
};

/** `view` may have `point(runs, from)`, `choose(runs, from)`, and is called with null for nothing. */
function link(view) {
  links.listeners.push(view);
}

function pointAt(runs, from) {
  if (runs === links.pointed) return;
  links.pointed = runs;
  for (const view of links.listeners) if (view.point) view.point(runs, from);
}

function choose(runs, from) {
  links.chosen = runs;
  for (const view of links.listeners) if (view.choose) view.choose(runs, from);
}

/** Elements that stand for layers: gives those of some runs a class, and takes it from the rest. */
class Marks {
  constructor(name) {
    this.name = name;
    this.marked = [];
  }

  set(elements) {
    for (const element of this.marked) element.classList.remove(this.name);
    this.marked = [...elements];
    for (const element of this.marked) element.classList.add(this.name);
  }
}

/** The elements of some layers, by an index from a layer's number to a list of elements. */
function elementsOf(index, runs) {
  const found = new Set();
  if (runs) {
    for (const layer of members(runs)) {
      for (const element of index.get(layer) || []) found.add(element);
    }
  }
  return found;
}
