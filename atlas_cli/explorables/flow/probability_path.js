// The twin of probability_path.py. The reader may drag the modes of the data, and drop points that the field carries.

twin(({ means, std, data, noise, arrow, longest, axis }, first, { short, travels }) => {
  const speed = (/** @type {number[]} */ v) => Math.hypot(v[0], v[1]);

  /** @param {any} setting @param {any} own */
  return ({ t, path }, own) => {
    const modes = own.modes ? own.modes.map((/** @type {any} */ mode) => mode.at) : means, mixture = { means: modes, std };
    const [signal, sigma] = schedule(t, path);
    const field = (/** @type {number[]} */ x, /** @type {number} */ time) => velocity(mixture, x, time, path);
    const cloud = data.map((/** @type {number[]} */ datum, /** @type {number} */ i) => {
      const k = nearestMode(means, datum); // a datum goes with its mode
      return datum.map((v, j) => signal * (v + modes[k][j] - means[k][j]) + sigma * noise[i][j]);
    });
    const grid = axis.flatMap((/** @type {number} */ x) => axis.map((/** @type {number} */ y) => [x, y]));
    const arrows = grid.map((/** @type {number[]} */ x) => {
      const v = field(x, t), length = Math.max(speed(v), 1e-6), drawn = Math.min(arrow * length, longest);
      return [(v[0] / length) * drawn, (v[1] / length) * drawn];
    });
    const mean = cloud.reduce((/** @type {number} */ sum, /** @type {number[]} */ x) => sum + speed(field(x, t)), 0) / cloud.length;
    const gone = travels(own.dropped ?? [], field, t);
    const points = gone.map(({ now }, i) => ({ name: "dropped", at: now, label: `point ${i + 1}`, kind: "dropped" }));
    const circles = modes.map((/** @type {number[]} */ at, /** @type {number} */ k) => ({ name: "modes", at, label: `mode ${k + 1} of the data`, kind: "mode" }));
    const [[left, right]] = first.panels, takes = { handles: points, trails: gone, drop: "dropped" };
    return {
      ...first,
      panels: [[
        {
          ...left, groups: [{ ...left.groups[0], points: cloud }],
          own: { ...takes, handles: [...circles, ...points], hint: "Drag a mode of the data, or press anywhere to drop a point" },
        },
        { ...right, points: grid, vectors: arrows, own: { ...takes, hint: "A dropped point goes where the arrows send it" } },
      ]],
      caption: `At t = ${short(t, 2)} every point on the left is ${short(signal, 2)} of a datum and ${short(sigma, 2)} of a noise. On `
        + "the right is the mean direction of all pairs that pass a place: at t = 0 all point to the middle of the data.",
      facts: { "share of data": signal, "share of noise": sigma, "mean speed": mean },
    };
  };
});
