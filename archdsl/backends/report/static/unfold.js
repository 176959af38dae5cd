// Unfolds a block where it stands: its inside is cut out of a finer picture, and this one makes room
// as rubber would. Along each axis the stretch that the block takes becomes as long as its inside;
// what is before it moves back, what is behind it moves on. So nothing that was apart overlaps. Boxes
// keep their size, frames and lines stretch, and a line's ends stay at the boxes that they are at.

const POINT = /(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)/g;
const NEAR = 4; // points by which the end of a line may miss its box
const STEPS = 16; // at which a curve is looked at for where it leaves a frame

const shapesOf = (element) => [...element.children].filter((child) =>
  ['path', 'polygon', 'ellipse'].includes(child.tagName));

const attributeOf = (shape) => (shape.tagName === 'path' ? 'd' : 'points');

const pointsOf = (shape) => [...(shape.getAttribute(attributeOf(shape)) || '').matchAll(POINT)]
  .map(([, x, y]) => [Number(x), Number(y)]);

function setPoints(shape, points) {
  let i = 0;
  const text = shape.getAttribute(attributeOf(shape)).replace(POINT, () => {
    const [x, y] = points[i];
    i += 1;
    return `${+x.toFixed(1)},${+y.toFixed(1)}`;
  });
  shape.setAttribute(attributeOf(shape), text);
}

/** From and to on both axes, of an element as it was drawn: [[left, right], [top, bottom]]. */
function extentOf(element) {
  const points = shapesOf(element).flatMap((shape) => {
    if (shape.tagName !== 'ellipse') return pointsOf(shape);
    const [cx, cy, rx, ry] = ['cx', 'cy', 'rx', 'ry'].map((key) => Number(shape.getAttribute(key)));
    return [[cx - rx, cy - ry], [cx + rx, cy + ry]];
  });
  if (!points.length) { // a title is words alone
    const text = element.querySelector('text');
    points.push(['x', 'y'].map((key) => Number(text ? text.getAttribute(key) : 0)));
  }
  return [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
}

/** Where an element is now: as it was drawn, and moved since. */
function placeOf(element) {
  element.extent = element.extent || extentOf(element);
  const shift = element.shift || [0, 0];
  return element.extent.map(([from, to], axis) => [from + shift[axis], to + shift[axis]]);
}

const middle = (place) => place.map(([from, to]) => (from + to) / 2);

const within = (point, place, by = 0) => place.every(([from, to], axis) =>
  point[axis] >= from - by && point[axis] <= to + by);

/** The point of a place that is nearest to a point. */
const nearest = (point, place) => place.map(([from, to], axis) =>
  Math.min(Math.max(point[axis], from), to));

/** How far a point is outside of a place, along the axis on which it is farther. */
const distance = (point, place) => Math.max(...nearest(point, place).map((n, axis) =>
  Math.abs(n - point[axis])));

function shiftBy(element, by) {
  const shift = (element.shift || [0, 0]).map((n, axis) => n + by[axis]);
  element.shift = shift;
  element.setAttribute('transform', `translate(${shift.map((n) => +n.toFixed(1)).join(' ')})`);
}

const moved = (point, by) => point.map((n, axis) => n + by[axis]);

/** The map of the plane that makes a place longer on both sides of its middle, which stays. */
function stretch(place, more) {
  const one = ([from, to], [before, after]) => {
    const half = (to - from) / 2;
    const by = (longer) => (half ? (half + longer) / half : 1);
    return (n) => {
      if (n <= from) return n - before;
      if (n >= to) return n + after;
      const off = n - from - half;
      return from + half + off * by(off < 0 ? before : after);
    };
  };
  const maps = place.map((range, axis) => one(range, more[axis]));
  return (point) => point.map((n, axis) => maps[axis](n));
}

const kinds = (group) => {
  const of = (name) => [...group.children].filter((child) => child.classList.contains(name));
  return { nodes: of('node'), frames: of('cluster'), edges: of('edge') };
};

/** Makes room in a picture; lines to the box that goes end at the border of what comes for it. */
function makeRoom(group, out, instead, to) {
  const { nodes, frames, edges } = kinds(group);
  const others = nodes.filter((node) => node !== out);
  const places = others.map(placeOf);
  const shifts = places.map((place) => {
    const centre = middle(place);
    return to(centre).map((n, axis) => n - centre[axis]);
  });
  const old = placeOf(out);
  const owner = (points) => {
    let [least, found] = [NEAR, null];
    for (const point of points) {
      const away = distance(point, old);
      if (away >= least) continue;
      const at = nearest(point, old);
      const goal = nearest(to(at), instead);
      [least, found] = [away, goal.map((n, axis) => n - at[axis])];
    }
    places.forEach((place, i) => {
      const away = Math.min(...points.map((point) => distance(point, place)));
      if (away < least) [least, found] = [away, shifts[i]];
    });
    return found;
  };
  for (const edge of edges) stretchEdge(edge, to, owner);
  others.forEach((node, i) => shiftBy(node, shifts[i]));
  for (const frame of frames) {
    for (const shape of shapesOf(frame)) setPoints(shape, pointsOf(shape).map(to));
    frame.extent = null;
  }
}

/** A line: its ends go with their boxes, its arrow with its end, the rest as the plane does. */
function stretchEdge(edge, to, owner) {
  const free = (point) => to(point).map((n, axis) => n - point[axis]);
  const paths = shapesOf(edge).filter((shape) => shape.tagName === 'path');
  const heads = shapesOf(edge).filter((shape) => shape.tagName === 'polygon').map((shape) => {
    const points = pointsOf(shape);
    const centre = middle(extentOf({ children: [shape], querySelector: () => null }));
    const by = owner(points) || free(centre);
    setPoints(shape, points.map((point) => moved(point, by)));
    return { centre, by };
  });
  for (const path of paths) {
    const points = pointsOf(path);
    const last = points.length - 1;
    const far = (at, to) => Math.hypot(points[at][0] - to[0], points[at][1] - to[1]);
    const ends = [[0, last], [last, 0]].map(([at, other]) => {
      const head = heads.find(({ centre }) => far(at, centre) < far(other, centre));
      return head ? head.by : owner([points[at]]) || free(points[at]);
    });
    const shifts = points.map((point, i) =>
      (i <= 1 ? ends[0] : i >= last - 1 ? ends[1] : free(point)));
    moveWords(edge, (at) => { // with the line, which they stand at
      const away = points.map((_, i) => far(i, at));
      return moved(at, shifts[away.indexOf(Math.min(...away))]);
    });
    setPoints(path, points.map((point, i) => moved(point, shifts[i])));
  }
}

function moveWords(element, to) {
  for (const text of element.querySelectorAll('text')) {
    const at = ['x', 'y'].map((key) => Number(text.getAttribute(key)));
    to(at).forEach((n, axis) => text.setAttribute('xy'[axis], n));
  }
}

/** What of a picture is in one of its frames, moved; lines that cross the frame are cut there. */
function inside(group, frame, by) {
  const place = placeOf(frame);
  const found = [];
  const { nodes, frames, edges } = kinds(group);
  const shapes = (element) => {
    for (const shape of shapesOf(element)) {
      setPoints(shape, pointsOf(shape).map((point) => moved(point, by)));
    }
    moveWords(element, (point) => moved(point, by));
    found.push(element);
  };
  for (const other of frames) {
    const own = placeOf(other);
    if (!own.every(([from, to], axis) => from >= place[axis][0] && to <= place[axis][1])) continue;
    other.extent = null;
    shapes(other);
  }
  for (const edge of edges) {
    if (cut(edge, place)) shapes(edge);
  }
  for (const node of nodes) {
    if (!within(middle(placeOf(node)), place)) continue;
    shiftBy(node, by);
    found.push(node);
  }
  return found;
}

/** Cuts a line to what of it is in a place; false if it neither begins nor ends there. */
function cut(edge, place) {
  const path = shapesOf(edge).find((shape) => shape.tagName === 'path');
  if (!path) return false;
  const points = pointsOf(path);
  const [begins, ends] = [within(points[0], place), within(points[points.length - 1], place)];
  if (!begins && !ends) return false;
  if (begins && ends) return true;
  const kept = begins ? upTo(points, place) : upTo(points.reverse(), place).reverse();
  const words = kept.map((point) => point.map((n) => +n.toFixed(1)).join(','));
  path.setAttribute('d', `M${words[0]}C${words.slice(1).join(' ')}`);
  for (const head of shapesOf(edge).filter((shape) => shape.tagName === 'polygon')) {
    if (!pointsOf(head).every((point) => within(point, place))) head.remove();
  }
  for (const text of edge.querySelectorAll('text')) text.remove();
  return true;
}

/** A line of cubic curves from its first point to where it leaves a place. */
function upTo(points, place) {
  const kept = [points[0]];
  for (let i = 0; i + 3 < points.length; i += 3) {
    const curve = points.slice(i, i + 4);
    for (let step = 1; step <= STEPS; step += 1) {
      const part = split(curve, step / STEPS);
      if (!within(part[3], place)) return [...kept, ...split(curve, (step - 0.5) / STEPS).slice(1)];
    }
    kept.push(...curve.slice(1));
  }
  return kept;
}

/** The part of a cubic curve up to t, by de Casteljau's algorithm. */
function split([a, b, c, d], t) {
  const mix = (p, q) => p.map((n, axis) => n + (q[axis] - n) * t);
  const [ab, bc, cd] = [mix(a, b), mix(b, c), mix(c, d)];
  const [abc, bcd] = [mix(ab, bc), mix(bc, cd)];
  return [a, ab, abc, mix(abc, bcd)];
}

/** Where a line comes into a frame from above; else its middle. */
function entryOf(group, frame) {
  const place = placeOf(frame);
  for (const edge of kinds(group).edges) {
    const path = shapesOf(edge).find((shape) => shape.tagName === 'path');
    const points = path ? pointsOf(path) : [];
    if (points.length && points[0][1] < place[1][0] && within(points[points.length - 1], place)) {
      const from = upTo(points.reverse(), place).pop();
      if (from[1] < middle(place)[1]) return [from[0], middle(place)[1]];
    }
  }
  return middle(place);
}

/** Puts a frame of a finer picture, with what is in it, in the place of a box of this one. */
function unfoldInPlace(group, box, finer, frame) {
  const [old, own] = [placeOf(box), placeOf(frame)];
  const [at, from] = [middle(old), entryOf(finer, frame)];
  const more = own.map(([start, end], axis) => {
    const half = (old[axis][1] - old[axis][0]) / 2;
    return [from[axis] - start - half, end - from[axis] - half].map((n) => Math.max(0, n));
  });
  const by = at.map((n, axis) => n - from[axis]);
  const instead = own.map((range, axis) => range.map((n) => n + by[axis]));
  makeRoom(group, box, instead, stretch(old, more));
  group.append(...inside(finer, frame, by));
  box.remove();
}
