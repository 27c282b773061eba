// Where the knobs stand is part of the address, so that a setting can be sent: #ssm-cost?length=4000&d_model=256
// So is what the reader put into a frame, each thing by its name: &own.dropped=0.52,-1.3@0.2,optimal;1.7,0@0,optimal

/** The places of the knobs that the address names for this figure.
 * @param {HTMLElement} figure @param {any[]} knobs @param {any[]} at */
function placesInAddress(figure, knobs, at) {
  const [id, told] = location.hash.slice(1).split("?");
  if (id !== figure.id || !told) return [...at];
  const wanted = new URLSearchParams(told);
  figure.scrollIntoView();
  return knobs.map((knob, i) => {
    const value = wanted.get(knob.name);
    if (value === null) return at[i];
    const exact = knob.values.map(String).indexOf(value);
    if (exact >= 0 || knob.kind === "choice" || !Number.isFinite(Number(value))) return exact >= 0 ? exact : at[i];
    const far = knob.values.map((/** @type {number} */ v) => Math.abs(v - Number(value)));
    return far.indexOf(Math.min(...far));
  });
}

const MOST_POINTS = 40, SHADES = 15; // of an address: longer ones are cut where they are sent
const short = (/** @type {number} */ value) => String(Number(value.toPrecision(4)));

/** A thing of the reader's as text: points, numbers of parts, or a picture with a letter a pixel.
 * @param {any} thing @param {any[]} knobs */
function thingTold(thing, knobs) {
  if (Array.isArray(thing[0])) {
    return thing.map((/** @type {number[]} */ row) => row.map((v) => Math.round(SHADES * v).toString(SHADES + 1)).join("")).join(";");
  }
  if (typeof thing[0] === "number") return thing.join(";");
  return thing.slice(0, MOST_POINTS).map((/** @type {{at: number[], when?: any}} */ { at, when }) =>
    at.map(short).join() + (when ? `@${knobs.map(({ name }) => (typeof when[name] === "number" ? short(when[name]) : when[name]))}` : "")).join(";");
}

/** The inverse; undefined where the text says nothing that the frame takes.
 * @param {string} told @param {string} name @param {any[]} panels Of the frame without it. @param {any[]} knobs */
function thingRead(told, name, panels, knobs) {
  const takes = (/** @type {string} */ what) => panels.find(({ own }) => own?.[what] === name), parts = told.split(";");
  const handles = Math.max(...panels.map(({ own }) => (own?.handles ?? []).filter((/** @type {Handle} */ one) => one.name === name).length));
  if (takes("draw")) {
    const { images, own: { image } } = takes("draw"), rows = parts.map((row) => [...row].map((letter) => parseInt(letter, SHADES + 1) / SHADES));
    return alike(rows, images[image]) && rows.flat().every(Number.isFinite) ? rows : undefined;
  }
  if (takes("press")) {
    const numbers = parts.map(Number), [count] = sizeOf(takes("press"));
    return numbers.every((i) => Number.isInteger(i) && i >= 0 && i < count) ? numbers : undefined;
  }
  if (!takes("drop") && parts.length !== handles) return undefined;
  const points = parts.slice(0, MOST_POINTS).map((part) => {
    const [at, when] = part.split("@").map((half) => half.split(","));
    return { at: at.map(Number), ...(when && { when: Object.fromEntries(knobs.map(({ name: knob, values }, i) => [knob, known(values, when[i])])) }) };
  });
  const whole = ({ at, when }) => at.length === 2 && at.every(Number.isFinite)
    && (when ? !Object.values(when).includes(undefined) : !takes("drop"));
  return points.every(whole) ? points : undefined;
}

/** A value of a knob as it was, within its ends; undefined where it is none.
 * @param {any[]} values @param {string} told */
function known(values, told) {
  const value = typeof values[0] === "number" ? Number(told) : told;
  return typeof value === "number" ? (value >= Math.min(...values) && value <= Math.max(...values) ? value : undefined) : values.find((one) => one === value);
}

/** What the address says that the reader put into this figure.
 * @param {HTMLElement} figure @param {any[]} knobs @param {any[]} panels @returns {Own} */
function ownInAddress(figure, knobs, panels) {
  const [id, told] = location.hash.slice(1).split("?");
  const things = id === figure.id ? [...new URLSearchParams(told)].filter(([name]) => name.startsWith("own.")) : [];
  const read = things.map(([name, text]) => [name.slice(4), thingRead(text, name.slice(4), panels, knobs)]);
  return Object.fromEntries(read.filter(([, thing]) => thing !== undefined));
}

/** Writes both there once the knobs rest; the way back stays free of every turn.
 * @param {HTMLElement} figure @param {any[]} knobs @param {(i: number) => unknown} valueOf @param {Own} own */
function makeAddress(figure, knobs, valueOf, own) {
  let resting = 0;
  return () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      if (location.protocol === "about:") return; // a frame in another document: the address there is not ours
      const told = new URLSearchParams(knobs.map((knob, i) => [knob.name, String(valueOf(i))]));
      for (const [name, thing] of Object.entries(own)) told.append(`own.${name}`, thingTold(thing, knobs));
      history.replaceState(history.state, "", `#${figure.id}?${told}`);
    }, 400);
  };
}
