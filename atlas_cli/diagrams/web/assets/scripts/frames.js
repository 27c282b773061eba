// The frames of an explorable, as web/frames.py packs them, and the ranges of their axes.

/** Frames that the page holds, one for each setting.
 * @param {any[]} knobs @param {string} packed */
async function packedFrames(knobs, packed) {
  const { frames, arrays } = JSON.parse(await inflate(packed));
  const unpacked = arrays.map(() => null); // arrays are undone when they are first shown
  const array = (/** @type {number} */ place) => (unpacked[place] ??= undo(arrays[place]));
  const frameOf = (/** @type {number[]} */ setting) =>
    filled(frames[setting.reduce((n, v, i) => n * knobs[i].values.length + v, 0)], array);
  return { frameOf, scales: makeScales(knobs, frameOf) };
}

/** @param {string} text */
async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

// From letters, or differences of whole numbers, to numbers, nested as they were.
/** @param {{shape: number[], low: number, step: number, letters?: string, stride: number, differences: number[]}} packed */
function undo({ shape, low, step, letters, stride, differences }) {
  const whole = letters ? Array.from(letters, (letter) => letter.charCodeAt(0) - 48) : differences.slice();
  for (let i = letters ? whole.length : stride; i < whole.length; i++) whole[i] += whole[i - stride];
  /** @type {any[]} */
  let values = whole.map((n) => low + n * step);
  for (const length of shape.slice(1).reverse()) {
    values = Array.from({ length: values.length / length }, (_, i) => values.slice(i * length, (i + 1) * length));
  }
  return values;
}

/** @param {any} value @param {(place: number) => any} array @returns {any} */
function filled(value, array) {
  if (Array.isArray(value)) return value.map((item) => filled(item, array));
  if (value === null || typeof value !== "object") return value;
  if ("array" in value) return array(value.array);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, array)]));
}

// The ranges of a panel over all values of the sliders, so that a turning knob moves curves, not axes.
// A few extreme settings do not squash all others: they widen the axes when they are shown.
/** @param {any[]} knobs @param {(setting: number[]) => any} frameOf
 * @param {number} most Values of a slider that are looked at. */
function makeScales(knobs, frameOf, most = Infinity) {
  const looked = (/** @type {number} */ n) => (n <= most ? Array.from({ length: n }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.round((i * (n - 1)) / (most - 1))));
  const known = new Map();
  return (/** @type {number[]} */ place, /** @type {number} */ row, /** @type {number} */ column, /** @type {any} */ panel) => {
    const { ranges } = PANELS[panel.kind];
    if (!ranges) return null;
    const key = [row, column, ...place.filter((_, i) => knobs[i].kind === "choice")].join();
    if (!known.has(key)) {
      /** @type {number[][]} */
      let settings = [[]];
      knobs.forEach((knob, i) => {
        const values = knob.kind === "choice" ? [place[i]] : looked(knob.values.length);
        settings = settings.flatMap((setting) => values.map((v) => [...setting, v]));
      });
      const others = settings.map((setting) => frameOf(setting).panels[row]?.[column]);
      known.set(key, others.filter((other) => other?.kind === panel.kind).map(ranges));
    }
    const usual = (name, end, share) => {
      const ends = known.get(key).map((one) => one[name][end]).sort((a, b) => a - b);
      return ends[Math.round((ends.length - 1) * share)];
    };
    const own = ranges(panel);
    const wide = ([low, high], name) => [Math.min(low, usual(name, 0, 0.15)), Math.max(high, usual(name, 1, 0.85))];
    return { x: wide(own.x, "x"), y: wide(own.y, "y") };
  };
}

/** @param {any} panel @returns {Record<"x" | "y", [number, number]>} */
function rangesOf({ series, log_x, log_y, marker }) {
  /** @param {number[]} values @param {boolean} log @returns {[number, number]} */
  const range = (values, log) => {
    const shown = values.filter((v) => !log || v > 0);
    return [shown.reduce((low, v) => Math.min(low, v), Infinity), shown.reduce((high, v) => Math.max(high, v), -Infinity)];
  };
  const xs = series.flatMap((line) => line.xs), ys = series.flatMap((line) => line.ys);
  return { x: range(marker === null ? xs : [...xs, marker], log_x), y: range(ys, log_y) };
}
