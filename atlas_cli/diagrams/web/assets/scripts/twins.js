// Frames that the page computes itself, by the twin of an explorable's module (web/twins.py).

/** What a twin may use: numbers as Python's formats write them, and points that a field carries. */
const TOOLS = {
  travels,
  /** Like f"{value:.3g}". @param {number} value @param {number} digits */
  short(value, digits = 6) {
    if (value === 0) return "0";
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    if (Number(exponent) >= -4 && Number(exponent) < digits) return String(Number(value.toPrecision(digits)));
    return `${Number(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  },
  /** Like f"{value:.0%}". @param {number} value */
  share(value) {
    const cents = 100 * value, low = Math.floor(cents);
    return `${cents - low === 0.5 ? low + (low % 2) : Math.round(cents)}%`; // half of one goes to the even side
  },
};

/** @typedef {Record<string, any>} Own What the reader has put there: points, a drawing. */

/** @param {any[]} knobs @param {(given: any, first: any, tools: typeof TOOLS) => (setting: any, own: Own) => any} make
 * @param {string} told @param {Own} own */
async function twinFrames(knobs, make, told, own) {
  const { given, first } = JSON.parse(await inflate(told));
  const compute = make(given, first, TOOLS);
  const frameOf = (/** @type {number[]} */ place) =>
    compute(Object.fromEntries(knobs.map((knob, i) => [knob.name, knob.values[place[i]]])), own);
  return { frameOf, scales: makeScales(knobs, frameOf, 3) };
}

/** Where a field carries a point from one time to another, by Runge and Kutta's rule of four.
 * @param {(x: number[], t: number) => number[]} field @param {number[]} x @param {number} from @param {number} to
 * @param {number} steps @returns {number[][]} With the start and every step. */
function carried(field, x, from, to, steps) {
  const h = (to - from) / steps, trail = [x];
  const on = (/** @type {number[]} */ at, /** @type {number[]} */ way, /** @type {number} */ by) => [at[0] + by * way[0], at[1] + by * way[1]];
  for (let i = 0; i < steps; i++) {
    const t = from + i * h, a = field(x, t), b = field(on(x, a, h / 2), t + h / 2);
    const c = field(on(x, b, h / 2), t + h / 2), d = field(on(x, c, h), t + h);
    x = on(x, [a[0] + 2 * b[0] + 2 * c[0] + d[0], a[1] + 2 * b[1] + 2 * c[1] + d[1]], h / 6);
    trail.push(x);
  }
  return trail;
}

/** What becomes of points that the reader dropped, each at a time t of its own: where each is now, and its way.
 * @param {{at: number[], when: any}[]} dropped @param {(x: number[], t: number) => number[]} field From time 0 to 1.
 * @param {number} t */
function travels(dropped, field, t) {
  return dropped.map(({ at, when: { t: start } }) => {
    const back = Math.ceil(start * 60) || 1, on = Math.ceil((1 - start) * 60) || 1;
    const before = carried(field, at, start, 0, back).map((x, i) => ({ x, time: start - (start * i) / back })).reverse();
    const way = [...before, ...carried(field, at, start, 1, on).slice(1).map((x, i) => ({ x, time: start + ((1 - start) * (i + 1)) / on }))];
    const next = Math.max(1, way.findIndex(({ time }) => time >= t)), a = way[next - 1], b = way[next];
    const now = mixed(a.x, b.x, (t - a.time) / (b.time - a.time || 1));
    const places = way.map(({ x }) => x);
    return { now, past: [...places.slice(0, next), now], ahead: [now, ...places.slice(next)] };
  });
}
