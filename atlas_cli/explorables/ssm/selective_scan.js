// The twin of selective_scan.py. The reader may say which words matter.

twin(({ words, content, least }, first, { short, share }) => {
  const named = words.map((/** @type {string} */ word) => content.includes(word));

  return ({ gate, delta }, own) => {
    const matters = named.map((/** @type {boolean} */ is, /** @type {number} */ i) => is !== (own.turned ?? []).includes(i));
    const steps = matters.map((/** @type {boolean} */ is) => (is ? delta : delta * (1 - gate) + least * gate));
    const state = []; // how much of word k is in the state after word t, [t][k]: the recurrence itself
    for (let t = 0; t < words.length; t++) {
      const kept = Math.exp(-steps[t]);
      state.push(words.map((/** @type {string} */ _, /** @type {number} */ k) => (k === t ? steps[t] : kept * (state[t - 1]?.[k] ?? 0))));
    }
    const last = state[words.length - 1], sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);
    const held = sum(last.filter((/** @type {number} */ _, /** @type {number} */ k) => matters[k])) / sum(last);
    const filler = delta * (1 - gate) + least * gate, [[tokens], [bars, heat]] = first.panels;
    const chosen = words.filter((/** @type {string} */ _, /** @type {number} */ k) => matters[k]);
    const whoMatters = chosen.length ? `What matters: ${chosen.join(", ")}.` : "Nothing matters.";
    const takes = { press: "turned", hint: "Press a word, and it matters from then on, or no longer" };
    return {
      ...first,
      panels: [
        [{ ...tokens, tokens: words.map((/** @type {string} */ word, /** @type {number} */ k) => [word, Math.min(1, last[k]), last[k].toFixed(2)]), own: takes }],
        [{ ...bars, values: steps }, { ...heat, rows: words.map((/** @type {string} */ _, /** @type {number} */ k) => state.map((row) => row[k])) }],
      ],
      caption: `${own.turned ? whoMatters : "A, B and C matter, the rest is filler."} At gate `
        + `${short(gate)} a filler's step is ${short(filler, 2)} where content takes ${short(delta)}, and `
        + `${share(held)} of what the state holds in the end is content. At gate 0 every word takes `
        + "the same step, and fillers wash A away; at gate 1 the state stands still while a filler passes.",
      facts: { "share of content in the state": held, "A left": last[1], "B left": last[4], "C left": last[8] },
    };
  };
});
