// The twin of sampling.py: the next word's probabilities before and after both knobs.

twin(({ logits, draws }, first, { short, share }) => {
  const words = Object.keys(logits);

  /** @param {number[]} values */
  function softmax(values) {
    const highest = Math.max(...values), powers = values.map((value) => Math.exp(value - highest));
    const whole = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / whole);
  }

  /** The fewest most likely ones that together reach topP, scaled to one.
   * @param {number[]} probabilities @param {number} topP */
  function nucleus(probabilities, topP) {
    const order = probabilities.map((_, i) => i).sort((a, b) => probabilities[b] - probabilities[a]), kept = new Set();
    let mass = 0;
    for (const i of order) {
      kept.add(i);
      mass += probabilities[i];
      if (mass >= topP - 1e-9) break;
    }
    return probabilities.map((p, i) => (kept.has(i) ? p / mass : 0));
  }

  /** Words at evenly spread places of the cumulative distribution. @param {number[]} probabilities @param {number} n */
  function drawn(probabilities, n) {
    return Array.from({ length: n }, (_, k) => {
      let place = (k + 0.5) / n, i = 0;
      while (i < words.length - 1 && place > probabilities[i] + 1e-12) place -= probabilities[i++];
      return words[i];
    });
  }

  const bar = (/** @type {number} */ i, /** @type {number} */ start, /** @type {number} */ end) =>
    [[start, -i - 0.4], [end, -i - 0.4], [end, -i + 0.4], [start, -i + 0.4]];
  /** The sum of the probabilities from above. @param {number[]} probabilities */
  function stairs(probabilities) {
    let sum = 0;
    const steps = probabilities.flatMap((p, i) => [[sum, 0.5 - i], [sum += p, 0.5 - i]]);
    return [...steps, [sum, 0.5 - words.length]];
  }

  return ({ temperature, top_p: topP }) => {
    const heated = softmax(words.map((word) => logits[word] / temperature)), kept = nucleus(heated, topP);
    const left = kept.filter((p) => p > 0), bits = left.reduce((sum, p) => sum + p * Math.log2(1 / p), 0);
    const [[cut], [text]] = first.panels, told = `twelve words, spread evenly over the probabilities: ${drawn(kept, draws).join(", ")}`;
    const [hot, added, sum, limit] = cut.shapes, shapes = [
      { ...hot, paths: heated.map((p, i) => bar(i, 0, p)) },
      { ...added, paths: kept.slice(0, left.length).map((q, i) => bar(i, heated[i], q)) },
      { ...sum, paths: [stairs(heated)] },
      { ...limit, paths: [[[topP, 0.5], [topP, 0.5 - left.length], [0, 0.5 - left.length]]] },
    ];
    const names = words.map((word, i) => [kept[i] ? `${word} ${share(kept[i])}` : word, -i]);
    return {
      ...first,
      panels: [[{ ...cut, shapes, y_ticks: names }], [{ ...text, lines: [told] }]],
      caption: `At temperature ${short(temperature)} the likeliest word has ${share(Math.max(...heated))} before the cut and `
        + `${share(Math.max(...kept))} after it: a top-p of ${short(topP)} keeps ${left.length} word${left.length === 1 ? "" : "s"} `
        + `of ${words.length}, the fewest that reach it. Temperature bends all probabilities; top-p cuts off the tail and `
        + "leaves the rest in proportion.",
      facts: { "words left": left.length, "bits of surprise": bits, "most likely": Math.max(...kept) },
    };
  };
});
