// Frames that a network computes on demand: one question at a time, and after it the latest setting alone.
/** @param {any[]} knobs @param {(i: number) => unknown} valueOf @param {string} address @param {() => void} shown */
function askedFrames(knobs, valueOf, address, shown) {
  /** @type {any} */
  let latest = null;
  let answered = "", asking = false;
  const lost = "The atlas does not answer any more. Start its command again.";

  /** @param {string} wanted */
  async function question(wanted) {
    asking = true;
    /** @type {string | undefined} */
    let said;
    try {
      const reply = await fetch(address, { method: "POST", body: wanted, signal: AbortSignal.timeout(120000) });
      const told = await reply.json();
      if (reply.ok) latest = told;
      else said = told.error;
    } catch {
      said = lost;
    }
    if (said) latest = { panels: [], facts: {}, ...latest, caption: said };
    asking = false;
    answered = wanted;
    shown();
  }

  function frameOf() {
    const wanted = JSON.stringify(Object.fromEntries(knobs.map((knob, i) => [knob.name, valueOf(i)])));
    if (!asking && wanted !== answered) question(wanted);
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
