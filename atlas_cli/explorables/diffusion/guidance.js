// The twin of guidance.py. The reader may drag the modes of both classes.

twin(({ upper, lower, std, start, data, alphas, figures }, first, { short, share }) => {
  const given = [...upper, ...lower];

  /** DDIM with the class exaggerated, from fixed starting points.
   * @param {number[][]} part @param {number[][]} both Modes. @param {number} weight @returns {number[][]} */
  function samples(part, both, weight) {
    const everyone = { means: both, std }, wanted = { means: part, std };
    return start.map((/** @type {number[]} */ from) => {
      let x = from;
      for (let i = 0; i < alphas.length; i++) {
        const next = alphas[i + 1] ?? 1, signal = Math.sqrt(alphas[i]), sigma = Math.sqrt(1 - alphas[i]);
        const [a, b] = posteriorMean(everyone, x, signal, sigma), [c, d] = posteriorMean(wanted, x, signal, sigma);
        const left = a + weight * (c - a), up = b + weight * (d - b), noise = Math.sqrt(1 - next) / sigma;
        x = [Math.sqrt(next) * left + noise * (x[0] - signal * left), Math.sqrt(next) * up + noise * (x[1] - signal * up)];
      }
      return x;
    });
  }

  /** Root of the summed variances of both coordinates. @param {number[][]} points */
  function spread(points) {
    const mean = [0, 1].map((j) => points.reduce((sum, x) => sum + x[j], 0) / points.length);
    return Math.sqrt(points.reduce((sum, x) => sum + (x[0] - mean[0]) ** 2 + (x[1] - mean[1]) ** 2, 0) / (points.length - 1));
  }

  /** How likely the samples' class is the wanted one, on average. @param {number[][]} points @param {number[][]} part @param {number[][]} both */
  function sureness(points, part, both) {
    const mine = (/** @type {number[]} */ x) => Math.exp(logDensity({ means: part, std }, x) - logDensity({ means: both, std }, x));
    return points.reduce((sum, x) => sum + mine(x), 0) / points.length;
  }

  /** What each weight buys and pays: [weight, sureness, spread], kept until a mode is moved. */
  const known = { key: "", curve: [[0, 0, 0]], plain: 0 };
  return ({ weight, wanted }, own) => {
    const modes = own.modes?.map((/** @type {any} */ mode) => mode.at) ?? given;
    const part = wanted === "upper" ? modes.slice(0, upper.length) : modes.slice(upper.length);
    if (known.key !== JSON.stringify([wanted, modes])) {
      const plain = spread(samples(part, modes, 1));
      const curve = modes === given ? figures[wanted] : figures[wanted].filter((_, i) => i % 3 === 0).map(([w]) => {
        const points = samples(part, modes, w);
        return [w, sureness(points, part, modes), spread(points) / plain];
      });
      Object.assign(known, { key: JSON.stringify([wanted, modes]), plain, curve });
    }
    const points = samples(part, modes, weight), sure = sureness(points, part, modes), wide = spread(points) / known.plain;
    const moved = data.map((/** @type {number[]} */ x) => { // a datum goes with its mode
      const k = nearestMode(given, x);
      return x.map((v, j) => v + modes[k][j] - given[k][j]);
    });
    const [[scatter, curves]] = first.panels, [ground, drawn] = scatter.groups;
    const handles = modes.map((/** @type {number[]} */ at, /** @type {number} */ k) => ({
      name: "modes", at, label: `a mode of the ${k < upper.length ? "upper" : "lower"} class`, kind: "mode",
    }));
    const groups = [{ ...ground, points: moved }, { ...drawn, label: `samples of the ${wanted} class`, points }];
    const series = [1, 2].map((j) => ({ ...curves.series[j - 1], xs: known.curve.map((told) => told[0]), ys: known.curve.map((told) => told[j]) }));
    return {
      ...first,
      panels: [[
        { ...scatter, groups, own: { handles, hint: "Drag a mode of either class: the upper has the upper three" } },
        { ...curves, series, marker: weight },
      ]],
      caption: `At weight ${short(weight)} the class of a sample is ${share(sure)} sure, and the samples spread ${short(wide, 2)} `
        + "times as wide as at weight 1. At 0 the class is not asked for, at 1 it is asked for honestly, above "
        + "1 it is exaggerated: every point moves away from the other class.",
      facts: { "sure of the class": sure, "spread against weight 1": wide },
    };
  };
});
