// Shades on a canvas.

// From a value to red, green and blue, between the colours that the style sheet names.
/** @param {HTMLElement} figure @param {boolean} diverging @param {number} low @param {number} high */
function makeShade(figure, diverging, low, high) {
  const probe = /** @type {HTMLElement} */ (figure.querySelector(".probe")), name = diverging ? "both" : "ramp";
  const stops = Array.from({ length: 5 }, (_, i) => {
    probe.style.color = `var(--d-${name}-${i})`;
    return (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  });
  return (/** @type {number} */ value) => {
    const place = Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * 4, i = Math.min(Math.floor(place), 3);
    return stops[i].map((c, k) => c + (stops[i + 1][k] - c) * (place - i));
  };
}

/** @param {number[][]} rows @param {(value: number) => number[]} colour */
function paint(rows, colour) {
  const canvas = element("canvas");
  canvas.width = rows[0].length;
  canvas.height = rows.length;
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  rows.flat().forEach((value, i) => image.data.set([...colour(value), 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}
