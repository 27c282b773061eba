// The twin of field.py. The reader may drop points that the field carries.

twin(({ means, std, tube, noise, data, order, jitter, crossings, reach, arrow, longest, axis, cloud: shown, drawn }, first, { short, travels }) => {
  const square = (/** @type {number[]} */ v) => v[0] ** 2 + v[1] ** 2;
  const less = (/** @type {number[]} */ a, /** @type {number[]} */ b) => [a[0] - b[0], a[1] - b[1]];
  const ends = { independent: data, optimal: order.map((/** @type {number} */ i) => data[i]) };
  const grid = axis.flatMap((/** @type {number} */ x) => axis.map((/** @type {number} */ y) => [x, y]));

  const ways = noise.map((/** @type {number[]} */ x, /** @type {number} */ i) => less(ends.optimal[i], x));

  /** Where the pairs are. @param {string} pairing @param {number} t @returns {number[][]} */
  const pairsAt = (pairing, t) => noise.map(([x, y], i) => [t * ends[pairing][i][0] + (1 - t) * x, t * ends[pairing][i][1] + (1 - t) * y]);

  /** The mean of data - noise over the pairs that may have led to x. @param {number[][]} at @param {number[]} x */
  function overPairs(at, x) {
    let most = -Infinity, whole = 0, left = 0, up = 0;
    for (const [a, b] of at) most = Math.max(most, -((x[0] - a) ** 2 + (x[1] - b) ** 2));
    for (let i = 0; i < at.length; i++) {
      const near = -((x[0] - at[i][0]) ** 2 + (x[1] - at[i][1]) ** 2), share = Math.exp((near - most) / (2 * tube ** 2));
      whole += share;
      left += share * ways[i][0];
      up += share * ways[i][1];
    }
    return [left / whole, up / whole];
  }

  /** Over all pairs that there could be. @param {number} t @param {number[]} x */
  function overAll(t, x) {
    const variance = (1 - t) ** 2 + tube ** 2, mean = posteriorMean({ means, std }, x, t, Math.sqrt(variance));
    return mean.map((v, j) => v - ((1 - t) / variance) * (x[j] - t * v));
  }

  /** The field of a time. @param {string} pairing @param {number} t @returns {(x: number[]) => number[]} */
  function fieldAt(pairing, t) {
    if (pairing === "independent") return (x) => overAll(t, x);
    const at = pairsAt("optimal", t);
    return (x) => overPairs(at, x);
  }

  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const length = (/** @type {string} */ pairing) => mean(noise.map((/** @type {number[]} */ x, /** @type {number} */ i) => square(less(ends[pairing][i], x))));
  const lengths = { independent: length("independent"), optimal: length("optimal") };

  return ({ t, pairing }, own) => {
    const at = pairsAt(pairing, t), field = fieldAt(pairing, t);
    const seen = grid.filter((/** @type {number[]} */ x) => at.some((place) => square(less(x, place)) < reach ** 2));
    const arrows = seen.map(field).map((/** @type {number[]} */ v) => {
      const scale = arrow * longest / Math.max(arrow * Math.hypot(v[0], v[1]), longest);
      return [v[0] * scale, v[1] * scale];
    });
    const disagreement = mean(at.map((place, i) => {
      const x = [place[0] + tube * jitter[i][0], place[1] + tube * jitter[i][1]];
      return square(less(less(ends[pairing][i], noise[i]), field(x)));
    }));
    const gone = travels(own.dropped ?? [], (x, time) => fieldAt(pairing, time)(x), t);
    const takes = {
      handles: gone.map(({ now }, i) => ({ name: "dropped", at: now, label: `point ${i + 1}`, kind: "dropped" })),
      trails: gone, drop: "dropped",
    };
    const [[pairs, says], [cloud, curves]] = first.panels;
    const series = curves.series.map((/** @type {any} */ line) => ({ ...line, style: line.label === pairing ? "line" : "dashed" }));
    return {
      ...first,
      panels: [
        [
          { ...pairs, vectors: noise.slice(0, drawn).map((/** @type {number[]} */ x, /** @type {number} */ i) => less(ends[pairing][i], x)) },
          { ...says, points: seen, vectors: arrows, own: { ...takes, hint: "Press anywhere to drop a point: it goes where the arrows send it" } },
        ],
        [{ ...cloud, groups: [{ ...cloud.groups[0], points: at.slice(0, shown) }], own: takes }, { ...curves, series, marker: t }],
      ],
      caption: `Paired ${pairing === "independent" ? "at random" : "as near as possible"}, the ${drawn} lines cross ${crossings[pairing]} times, and `
        + `at t = ${short(t, 2)} pairs at one place disagree by ${short(disagreement, 2)}: there a network can only learn their mean. Both `
        + "pairings have the same noise and the same data.",
      facts: { "disagreement at t": disagreement, [`crossings of the ${drawn} lines`]: crossings[pairing], "mean squared length of a pair": lengths[pairing] },
    };
  };
});
