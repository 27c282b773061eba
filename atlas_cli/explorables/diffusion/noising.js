// The twin of noising.py. The reader may draw a digit of their own and watch it drown.

twin(({ digit, noise, left: leftOf, steps }, first, { short }) => {
  const shade = (/** @type {number} */ x) => (Math.min(Math.max(x, -1), 1) + 1) / 2;

  return ({ t, schedule }, own) => {
    const drawn = own.digit?.map((/** @type {number[]} */ row) => row.map((v) => 2 * v - 1)) ?? digit;
    const left = leftOf[schedule][t], other = schedule === "cosine" ? "linear" : "cosine";
    const signal = Math.sqrt(left), sigma = Math.sqrt(1 - left);
    const noised = drawn.map((/** @type {number[]} */ row, /** @type {number} */ r) => row.map((x, c) => shade(signal * x + sigma * noise[r][c])));
    const [[pictures, curves]] = first.panels;
    const series = curves.series.map((/** @type {any} */ line) => ({ ...line, style: line.label === schedule ? "line" : "dashed" }));
    return {
      ...first,
      panels: [[
        {
          ...pictures, images: [drawn.map((/** @type {number[]} */ row) => row.map(shade)), noised], captions: ["data", `x_t, t = ${t}`],
          own: { draw: "digit", image: 0, hint: "Draw on the digit, or take a blank sheet" },
        },
        { ...curves, series, marker: t },
      ]],
      caption: `At t = ${t} of ${steps}, ${short(left, 3)} of the image's variance is left in x_t, and the rest is noise; `
        + `the ${other} schedule would leave ${short(leftOf[other][t], 3)}. One jump mixes image and noise: no step before t is needed.`,
      facts: { "image variance left": left, "noise variance": 1 - left, "signal to noise": left / (1 - left) },
    };
  };
});
