// Between two frames: what is in both keeps its identity and moves, what is new is there at once. What is one thing
// in two frames is told by its key: the label of a series, of a group or of a bar, the place of an arrow.

const EASE_MS = 150;

/** A value on its way, or nested lists of them; on a logarithmic axis by factors.
 * @param {any} a @param {any} b @param {number} k @param {boolean} [log] @returns {any} */
function mixed(a, b, k, log = false) {
  if (a === b) return b;
  if (Array.isArray(b)) return b.map((value, i) => mixed(a[i], value, k, log));
  return log && a > 0 && b > 0 ? a * (b / a) ** k : a + (b - a) * k;
}

/** Whether lists are nested alike and equally long.
 * @param {any} a @param {any} b @returns {boolean} */
function alike(a, b) {
  if (a === b || !Array.isArray(b)) return Array.isArray(a) === Array.isArray(b);
  return Array.isArray(a) && a.length === b.length && b.every((value, i) => alike(a[i], value));
}

/** What had an item's label before; where that is new and an old one is gone, what stood in its place.
 * @param {{label: string}[]} before @param {{label: string}[]} after @param {number} i @returns {any} */
function formerly(before, after, i) {
  const same = before.find(({ label }) => label === after[i].label);
  if (same || before.length !== after.length) return same;
  return after.some(({ label }) => label === before[i].label) ? undefined : before[i];
}

/** @param {any} a @param {any} b @param {number} k */
function easeCurves(a, b, k) {
  const series = b.series.map((/** @type {any} */ line, /** @type {number} */ i) => {
    const old = formerly(a.series, b.series, i);
    if (!old || old.style === "points" && old.xs.length !== line.xs.length) return line;
    if (old.xs.length === line.xs.length) {
      return { ...line, xs: mixed(old.xs, line.xs, k, b.log_x), ys: mixed(old.ys, line.ys, k, b.log_y) };
    }
    return { ...line, ys: line.ys.map((/** @type {number} */ y, /** @type {number} */ j) => mixed(heightAt(old, line.xs[j]) ?? y, y, k, b.log_y)) };
  });
  const marker = a.marker === null || b.marker === null ? b.marker : mixed(a.marker, b.marker, k, b.log_x);
  return { ...b, series, marker };
}

/** Of a curve, between its points; undefined beyond its ends.
 * @param {{xs: number[], ys: number[]}} curve @param {number} x */
function heightAt({ xs, ys }, x) {
  const i = xs.findIndex((end, j) => j > 0 && xs[j - 1] <= x && x <= end);
  if (i < 0) return undefined;
  return ys[i - 1] + ((ys[i] - ys[i - 1]) * (x - xs[i - 1])) / (xs[i] - xs[i - 1] || 1);
}

/** @param {any} a @param {any} b @param {number} k */
function easeScatter(a, b, k) {
  const groups = b.groups.map((/** @type {any} */ group, /** @type {number} */ i) => {
    const old = formerly(a.groups, b.groups, i);
    return old && alike(old.points, group.points) ? { ...group, points: mixed(old.points, group.points, k) } : group;
  });
  return { ...b, groups, range: mixed(a.range, b.range, k) };
}

/** @param {any} a @param {any} b @param {number} k */
function easeQuiver(a, b, k) {
  if (b.names.length) return alike(a.points, b.points) ? { ...b, points: mixed(a.points, b.points, k), vectors: mixed(a.vectors, b.vectors, k) } : b;
  const key = (/** @type {number[]} */ [x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;
  const known = new Map(a.points.map((/** @type {number[]} */ point, /** @type {number} */ i) => [key(point), a.vectors[i]]));
  return { ...b, vectors: b.vectors.map((/** @type {number[]} */ to, /** @type {number} */ i) => mixed(known.get(key(b.points[i])) ?? to, to, k)) };
}

/** @param {any} a @param {any} b @param {number} k */
function easeBars(a, b, k) {
  const old = (/** @type {string} */ label) => a.values[a.labels.indexOf(label)];
  return { ...b, high: mixed(a.high, b.high, k), values: b.values.map((/** @type {number} */ v, /** @type {number} */ i) => mixed(old(b.labels[i]) ?? v, v, k)) };
}

/** @param {any} a @param {any} b @param {number} k */
function easeTokens(a, b, k) {
  const eased = (/** @type {any[]} */ [text, weight, note], /** @type {number} */ i) =>
    [text, a.tokens[i]?.[0] === text ? mixed(a.tokens[i][1], weight, k) : weight, note];
  return { ...b, tokens: b.tokens.map(eased) };
}

/** Shades that stand for kinds have nothing between them.
 * @param {any} a @param {any} b @param {number} k */
function easeHeatmap(a, b, k) {
  if (b.names.length || !alike(a.rows, b.rows)) return b;
  return { ...b, rows: mixed(a.rows, b.rows, k), low: mixed(a.low, b.low, k), high: mixed(a.high, b.high, k) };
}

/** @param {any} a @param {any} b @param {number} k */
function easeImages(a, b, k) {
  return alike(a.images, b.images) ? { ...b, images: mixed(a.images, b.images, k) } : b;
}

/** Shapes are told by their places and styles, notes by their texts.
 * @param {any} a @param {any} b @param {number} k */
function easeSketch(a, b, k) {
  const moved = (/** @type {any[]} */ before, /** @type {any[]} */ after, /** @type {string[]} */ key, /** @type {string[]} */ moving) =>
    after.map((to, i) => {
      const from = before[i];
      if (!from || key.some((name) => from[name] !== to[name]) || moving.some((name) => !alike(from[name], to[name]))) return to;
      return { ...to, ...Object.fromEntries(moving.map((name) => [name, mixed(from[name], to[name], k)])) };
    });
  return {
    ...b,
    shapes: moved(a.shapes, b.shapes, ["style", "hue"], ["paths"]), notes: moved(a.notes, b.notes, ["text", "side"], ["x", "y"]),
    range: mixed(a.range, b.range, k), ground: alike(a.ground, b.ground) ? mixed(a.ground, b.ground, k) : b.ground,
  };
}
