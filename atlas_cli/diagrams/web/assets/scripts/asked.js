// Frames that a network computes on demand: one question at a time, and after it the latest setting alone.

/** Answers a setting, as JSON, with its frame or with what is wrong; `say` shows how far it is.
 * @typedef {(wanted: string, say: (text: string) => void) => Promise<{frame?: any, error?: string}>} Answers */

/** @param {any[]} knobs @param {(i: number) => unknown} valueOf @param {Answers} answers @param {() => void} shown
 * @param {any} first The frame of the knobs as they stand at first, where the page holds it.
 * @param {number[]} at Where they stand then. */
function askedFrames(knobs, valueOf, answers, shown, first, at) {
  const question = (/** @type {(i: number) => unknown} */ value) =>
    JSON.stringify(Object.fromEntries(knobs.map((knob, i) => [knob.name, value(i)])));
  let latest = first;
  let answered = first ? question((i) => knobs[i].values[at[i]]) : "", asking = false;
  const say = (/** @type {string} */ caption) => {
    latest = { panels: [], facts: {}, ...latest, caption };
    shown();
  };

  /** @param {string} wanted */
  async function ask(wanted) {
    asking = true;
    const { frame, error } = await answers(wanted, say);
    asking = false;
    answered = wanted;
    if (frame) latest = frame;
    if (error) say(error);
    shown();
  }

  function frameOf() {
    const wanted = question(valueOf);
    if (!asking && wanted !== answered) ask(wanted);
    return latest;
  }
  return { frameOf, scales: growingScales() };
}

// The ranges of a panel over all that was shown so far, as nobody knows what is still to come.
function growingScales() {
  const known = new Map();
  return (/** @type {number[]} */ _place, /** @type {number} */ row, /** @type {number} */ column, /** @type {any} */ panel) => {
    const { ranges } = PANELS[panel.kind];
    if (!ranges) return null;
    const key = [row, column, panel.title].join(), own = ranges(panel), before = known.get(key) ?? own;
    const wide = (/** @type {number[]} */ [low, high], /** @type {number[]} */ [least, most]) => [Math.min(low, least), Math.max(high, most)];
    known.set(key, { x: wide(own.x, before.x), y: wide(own.y, before.y) });
    return known.get(key);
  };
}
