// The twin of latent_walk.py: the decoder of a linear VAE, and the digits that are drawn next to a place.
// The reader may draw a digit and see where it lands and what comes back.

twin(({ models, side, nearest: count }, first, { short }) => {
  /** Pixels as an image. @param {number[]} values */
  const picture = (values) => Array.from({ length: side }, (_, r) =>
    values.slice(r * side, (r + 1) * side).map((v) => Math.round(100 * Math.min(Math.max(v, 0), 1)) / 100));
  /** The picture of a latent. @param {any} model @param {number[]} z */
  const decoded = ({ mean, weights }, [x, y]) => picture(mean.map((/** @type {number} */ m, /** @type {number} */ p) => m + x * weights[p][0] + y * weights[p][1]));
  /** Where an image is encoded. @param {any} model @param {number[][]} image */
  const encoded = ({ weights, variances, mean }, image) => variances.map((/** @type {number} */ variance, /** @type {number} */ k) =>
    image.flat().reduce((sum, value, p) => sum + (weights[p][k] * (value - mean[p])) / variance, 0));

  /** The digits in the plane, by what they are. @param {any} model */
  function crowds({ digits, places, labels }) {
    if (digits.length > 2) return [{ label: "digits", points: places }];
    return digits.map((/** @type {number} */ digit) => ({ label: `${digit}s`, points: places.filter((_, i) => labels[i] === digit) }));
  }

  return ({ x, y, digits }, own) => {
    const model = models[digits], [[images, scatter], [parts]] = first.panels;
    const far = model.places.map(([a, b]) => Math.hypot(a - x, b - y));
    const near = far.map((_, i) => i).sort((a, b) => far[a] - far[b]).slice(0, count), names = near.map((i) => model.labels[i]);
    const axis = (/** @type {number} */ k) => picture(model.weights.map((/** @type {number[]} */ w) => 0.5 + w[k] / 2));
    const landed = own.digit && encoded(model, own.digit), yours = landed ? [{ label: "yours", points: [landed] }] : [];
    const groups = [...crowds(model), { label: "here", points: [[x, y]] }, ...yours].map((group) => ({ kind: "group", ...group }));
    const data = near.map((i) => picture(model.pictures[i].map((/** @type {number} */ level) => level / 100)));
    const drawn = landed ? [own.digit, decoded(model, landed)] : [];
    const captions = ["decoded", ...names.map((name) => `data: a ${name}`), ...(landed ? ["yours: draw here", "what comes back"] : [])];
    const takes = { draw: "digit", image: landed ? 1 + count : -1, blank: 0, does: "Draw a digit" };
    return {
      ...first,
      panels: [
        [{ ...images, images: [decoded(model, [x, y]), ...data, ...drawn], captions, own: takes }, { ...scatter, groups }],
        [{ ...parts, images: [picture(model.mean), axis(0), axis(1)] }],
      ],
      caption: `At (${short(x)}, ${short(y)}) the nearest digit of the data, a ${names[0]}, is ${short(far[near[0]], 2)} away. A linear VAE: the best decoder that `
        + "may only add two fixed pictures to a mean. Beyond the crowds it still draws, for it knows nothing of gaps.",
      facts: {
        "variance along the two axes": model.explained, "error left in a picture": model.error, "distance to the nearest digit": far[near[0]],
        "posterior width of x": model.widths[0], "posterior width of y": model.widths[1],
      },
    };
  };
});
