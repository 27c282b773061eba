// The twin of truncation.py: samples whose latents are scaled by psi, and how many look real and how much they cover.

twin(({ latents, real, spread, radius, width, neighbours, range, psis, figures }, first, { short, share }) => {
  const edge = range[1], square = (/** @type {number[]} */ a, /** @type {number[]} */ b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;

  /** The ring by Taylor polynomials of sine and cosine. @param {number[]} z @param {number} psi @param {number} degree */
  function sample([u, v], psi, degree) {
    const angle = spread * psi * u, far = radius + width * psi * v;
    let term = 1, sine = 0, cosine = 0;
    for (let i = 0; i <= degree; i++) {
      const signed = Math.floor(i / 2) % 2 ? -term : term;
      if (i % 2) sine += signed;
      else cosine += signed;
      term *= angle / (i + 1);
    }
    return [far * sine, far * cosine];
  }

  /** How far each point reaches, squared: to its k-th neighbour of its own kind. @param {number[][]} points */
  function reach(points) {
    return points.map((a) => {
      const nearest = new Float64Array(neighbours + 1).fill(Infinity); // the first is the point itself
      for (const b of points) {
        const far = square(a, b);
        let i = neighbours;
        if (far >= nearest[i]) continue;
        for (; i > 0 && nearest[i - 1] > far; i--) nearest[i] = nearest[i - 1];
        nearest[i] = far;
      }
      return nearest[neighbours];
    });
  }
  const reachOfReal = reach(real), known = new Map();

  /** @param {number[][]} fake */
  function precisionRecall(fake) {
    const reaches = reach(fake), mean = (/** @type {boolean[]} */ is) => is.filter(Boolean).length / is.length;
    const near = fake.map((b) => real.some((/** @type {number[]} */ a, /** @type {number} */ i) => square(a, b) <= reachOfReal[i]));
    const covered = real.map((/** @type {number[]} */ a) => fake.some((b, j) => square(a, b) <= reaches[j]));
    return [mean(near), mean(covered)];
  }

  return ({ psi, degree }) => {
    const key = `${psi} ${degree}`, fake = latents.map((/** @type {number[]} */ z) => sample(z, psi, degree));
    if (!known.has(key)) known.set(key, precisionRecall(fake));
    const [precision, recall] = known.get(key), over = figures[degree];
    const inside = fake.filter((/** @type {number[]} */ [x, y]) => Math.abs(x) < edge && Math.abs(y) < edge);
    const least = over.map((/** @type {number[]} */ [p, r]) => Math.min(p, r)), [[scatter, curves]] = first.panels;
    const series = curves.series.map((/** @type {any} */ line, /** @type {number} */ i) => ({ ...line, ys: over.map((/** @type {number[]} */ pair) => pair[i]) }));
    return {
      ...first,
      panels: [[
        { ...scatter, groups: [scatter.groups[0], { ...scatter.groups[1], points: inside }] },
        { ...curves, series, marker: psi },
      ]],
      caption: "The latent is scaled by psi before it enters a generator that draws the ring by Taylor "
        + `polynomials of degree ${degree}. At psi ${short(psi)}, ${share(precision)} of the samples look real and `
        + `${share(recall)} of the real points are covered. Rare latents make the strays.`,
      facts: {
        "precision": precision, "recall": recall, "samples beyond the picture": fake.length - inside.length,
        "psi where the lesser of both is largest": psis[least.indexOf(Math.max(...least))],
      },
    };
  };
});
