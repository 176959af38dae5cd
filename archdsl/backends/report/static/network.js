// The networks of the page, as archdsl/backends/report/data.py wrote them.

const DATA = JSON.parse(byId('data').textContent);

/** The numbers in runs: [3, 6, 9, 10] gives 3, 4, 5, 9. */
function* members(runs) {
  for (let i = 0; i < runs.length; i += 2) {
    for (let n = runs[i]; n < runs[i + 1]; n += 1) yield n;
  }
}

const countOf = (runs) => {
  let count = 0;
  for (let i = 0; i < runs.length; i += 2) count += runs[i + 1] - runs[i];
  return count;
};

/** The largest number of a list, however long: at least 1. */
const largest = (numbers) => numbers.reduce((most, n) => Math.max(most, n), 1);

const layerRuns = (i) => [i, i + 1];

/** The field of a layer in short: size/stride, `all`, or nothing. */
function showField(field, i) {
  const windows = field.windows[i];
  if (windows === 'all') return 'all';
  if (!windows) return '–';
  const size = windows.map(([, first, last, by]) => Math.floor((last - first) / by) + 1);
  const stride = windows.map(([step, , , by]) => +(step / by).toPrecision(3));
  const short = (sides) => (new Set(sides).size === 1 ? String(sides[0]) : sides.join('×'));
  return `${short(size)}/${short(stride)}`;
}

/** What a position sees of the input: [first, last] on each axis, edges heeded and not. */
function regionOf(field, i, position) {
  const windows = field.windows[i];
  const full = field.extent.map((side) => [0, side - 1]);
  if (windows === 'all') return { clipped: full, unclipped: full, whole: true };
  if (!windows || position.length !== windows.length) return null;
  const unclipped = windows.map(([step, first, last, by], axis) => [
    Math.ceil((step * position[axis] + first) / by),
    Math.floor((step * position[axis] + last) / by),
  ]);
  const clipped = unclipped.map(([a, b], axis) => [
    Math.max(a, 0), Math.min(b, field.extent[axis] - 1),
  ]);
  return { clipped: clipped.every(([a, b]) => a <= b) ? clipped : null, unclipped, whole: false };
}
