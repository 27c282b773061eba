// Matrices as shades, and grey images.

/** @param {any} panel @param {number} _room @param {any} _ranges @param {HTMLElement} figure */
function drawHeatmap({ title, rows, low, high, x_label, y_label, x_ticks, y_ticks, diverging, names }, _room, _ranges, figure) {
  const shade = makeShade(figure, diverging, low, high);
  const box = element("div", "", "heat");
  const wide = rows[0].length / rows.length;
  box.style.setProperty("--ratio", Math.min(Math.max(wide, 0.5), 3));
  const ticks = (/** @type {string[]} */ labels, /** @type {string} */ side, /** @type {number} */ cells) => {
    const list = element("div", "", `ticks ${side}${labels.length === cells ? " each" : ""}`);
    list.append(...labels.map((label) => element("span", label)));
    return list;
  };
  const canvas = paint(rows, shade);
  describe(canvas, `${title}: ${rows.length} rows, ${rows[0].length} columns, shades from ${tell(low)} to ${tell(high)}`);
  if (y_ticks.length === rows.length) canvas.style.minHeight = `${13 * rows.length}px`; // a line of text a row
  box.append(ticks(y_ticks, "y", rows.length), canvas, ticks(x_ticks, "x", rows[0].length));
  return [box, (x_label || y_label) && element("p", axisNames({ x_label, y_label }), "axis-names"), names.length ? namedKey(names, shade) : ramp(low, high, shade)];
}

/** @param {any} panel */
function axisNames({ x_label, y_label }) {
  return [y_label && `down: ${y_label}`, x_label && `across: ${x_label}`].filter(Boolean).join(" · ");
}

/** What one cell says: where it is, and its value or the name of its kind.
 * @param {any} panel @param {{x: number, y: number}} place */
function cellSays({ rows, x_label, y_label, x_ticks, y_ticks, names }, { x, y }) {
  const value = rows[y][x], kind = names.find((/** @type {[string, number]} */ [, at]) => at === value);
  const told = (/** @type {string} */ label, /** @type {string[]} */ ticks, /** @type {number} */ cells, /** @type {number} */ i) =>
    `${label} ${ticks.length === cells ? ticks[i].trim() : placed(ticks, cells, i)}`.trim();
  return `${told(y_label, y_ticks, rows.length, y)}, ${told(x_label, x_ticks, rows[0].length, x)}: ${kind ? kind[0] : tell(value, 3)}`;
}

/** Between the first and the last label of an axis, where both are numbers; else counted from 1.
 * @param {string[]} ticks @param {number} cells @param {number} i */
function placed(ticks, cells, i) {
  const [low, high] = [ticks[0], ticks[ticks.length - 1]].map(Number);
  return ticks.length > 1 && Number.isFinite(low) && Number.isFinite(high) ? tell(low + ((high - low) * i) / (cells - 1), 3) : String(i + 1);
}

/** The values at both ends, and the shades between them.
 * @param {number} low @param {number} high @param {(value: number) => number[]} shade */
function ramp(low, high, shade) {
  const key = element("div", "", "key");
  const bar = paint([Array.from({ length: 64 }, (_, i) => low + ((high - low) * i) / 63)], shade);
  bar.setAttribute("aria-hidden", "true");
  key.append(element("span", tell(low)), bar, element("span", tell(high)));
  return key;
}

/** A patch and a name for each kind of cell.
 * @param {[string, number][]} names @param {(value: number) => number[]} shade */
function namedKey(names, shade) {
  const key = element("ul", "", "legend");
  for (const [name, value] of names) {
    const item = element("li"), patch = element("span", "", "patch");
    patch.style.background = `rgb(${shade(value).map(Math.round).join()})`;
    item.append(patch, element("span", name));
    key.append(item);
  }
  return key;
}

/** @param {any} panel */
function drawImages({ title, images, columns, captions, own }) {
  const grid = element("div", "", "grid");
  grid.style.setProperty("--columns", columns);
  images.forEach((image, i) => {
    const cell = part(element("div"), i);
    const canvas = paint(image, (v) => [255, 255, 255].map((c) => c * Math.min(Math.max(v, 0), 1)));
    describe(canvas, `${title}: ${captions[i] ?? `image ${i + 1} of ${images.length}`}`);
    if (own?.draw && own.image === i) canvas.classList.add("drawable");
    cell.append(canvas, ...(captions[i] ? [element("span", captions[i])] : []));
    grid.append(cell);
  });
  return [grid, own?.hint && element("p", own.hint, "hint")];
}
