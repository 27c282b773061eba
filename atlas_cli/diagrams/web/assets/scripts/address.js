// Where the knobs stand is part of the address, so that a setting can be sent: #ssm-cost?length=4000&d_model=256

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

/** Writes them there once the knobs rest; the way back stays free of every turn.
 * @param {HTMLElement} figure @param {any[]} knobs @param {(i: number) => unknown} valueOf */
function makeAddress(figure, knobs, valueOf) {
  let resting = 0;
  return () => {
    clearTimeout(resting);
    resting = setTimeout(() => {
      if (location.protocol === "about:") return; // a frame in another document: the address there is not ours
      const told = new URLSearchParams(knobs.map((knob, i) => [knob.name, String(valueOf(i))]));
      history.replaceState(history.state, "", `#${figure.id}?${told}`);
    }, 400);
  };
}
