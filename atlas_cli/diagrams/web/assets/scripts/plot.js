const LETTER = 7; // the width of one in a plot, about
const GRIP = 9; // what stands at an edge reaches so far over it

// Axes with round ticks; gives the way from values to pixels.
/** @param {number[]} xs @param {number[]} ys @param {any} look */
function makePlot([x0, x1], [y0, y1], { title, room, x_label = "", y_label = "", log_x, log_y, square, ratio, axes = true, x_ticks, y_ticks }) {
  const width = square || ratio > 0.8 ? Math.min(room, 480) : room;
  const letters = Math.max(0, ...(y_ticks ?? []).map(([name]) => name.length));
  const left = axes ? Math.max(52, 14 + LETTER * letters) : 12, right = width - 12, top = y_label ? 24 : 10, under = !axes ? 10 : x_label ? 42 : 26;
  const height = ratio ? top + ratio * (right - left) + under : square ? width : Math.min(150 + room / 4, 270), bottom = height - under;
  const along = (/** @type {number} */ low, /** @type {number} */ high, /** @type {boolean} */ log, /** @type {number} */ from, /** @type {number} */ to) => (/** @type {number} */ v) => {
    const [a, b, c] = log ? [low, high, v].map(Math.log10) : [low, high, v];
    return from + ((to - from) * (c - a)) / (b - a || 1);
  };
  const x = along(x0, x1, log_x, left, right), y = along(y0, y1, log_y, bottom, top);
  const numbered = (/** @type {number} */ low, /** @type {number} */ high, /** @type {boolean} */ log) => ticks(low, high, log).map((t) => [tickText(t, log), t]);
  /** So that no end of a name that is centred here is cut off. @param {number} at @param {string} name */
  const within = (at, name) => Math.min(Math.max(at, LETTER * name.length / 2), width - LETTER * name.length / 2);
  let scale = "";
  for (const [name, t] of axes ? (x_ticks ?? numbered(x0, x1, log_x)) : []) {
    scale += `<line x1="${x(t)}" x2="${x(t)}" y1="${top}" y2="${bottom}"/>
      <text x="${within(x(t), name)}" y="${bottom + 16}" text-anchor="middle">${escaped(name)}</text>`;
  }
  for (const [name, t] of axes ? (y_ticks ?? numbered(y0, y1, log_y)) : []) {
    scale += `<line x1="${left}" x2="${right}" y1="${y(t)}" y2="${y(t)}"/>
      <text x="${left - 6}" y="${y(t) + 4}" text-anchor="end">${escaped(name)}</text>`;
  }
  const middle = (left + right) / 2;
  if (x_label) scale += `<text class="axis" x="${middle}" y="${height - 6}" text-anchor="middle">${escaped(x_label)}</text>`;
  if (y_label) scale += `<text class="axis" x="${left - 44}" y="12">${escaped(y_label)}</text>`;
  const svg = (/** @type {string} */ drawn) => {
    const box = element("div", "", square || ratio > 0.8 ? "plot square" : "plot");
    box.scale = { x, y, width, height, top, bottom }; // from values to the units of the view box
    const name = [title, x_label && `across: ${x_label}`, y_label && `up: ${y_label}`].filter(Boolean).join("; ");
    const role = drawn.includes("tabindex") ? "group" : "img"; // of an image no part can be reached
    box.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="${role}" aria-label="${escaped(name)}">
      <g class="scale">${scale}</g><svg x="${left - GRIP}" y="${top - GRIP}" width="${right - left + 2 * GRIP}"
      height="${bottom - top + 2 * GRIP}" viewBox="${left - GRIP} ${top - GRIP} ${right - left + 2 * GRIP} ${bottom - top + 2 * GRIP}">${drawn}</svg></svg>`;
    return box;
  };
  return { x, y, top, bottom, left, right, svg };
}

/** @param {number} low @param {number} high @param {boolean} log */
function ticks(low, high, log) {
  if (log) {
    const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
    const by = Math.max(1, Math.ceil((to - from) / 5));
    const powers = Array.from({ length: Math.max(0, Math.floor((to - from) / by) + 1) }, (_, i) => 10 ** (from + i * by));
    if (powers.length >= 2) return powers;
    return [low, Math.sqrt(low * high), high].map((v) => Number(v.toPrecision(2)));
  }
  const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

// Large and small powers of ten as 10 with a raised exponent.
/** @param {number} value @param {boolean} log */
function tickText(value, log) {
  const exponent = Math.log10(value);
  if (!log || !Number.isInteger(exponent) || Math.abs(exponent) < 4) return tell(value);
  return "10" + [...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
}

/** @param {number[]} range @param {boolean} log */
function padded([low, high], log) {
  if (log) return low < high ? [low, high] : [low / 2, high * 2];
  const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 && low <= room * 4 ? 0 : low - room, high + room];
}

/** @param {[string, number, string, string?][]} entries */
function legend(entries) {
  const list = element("ul", "", "legend");
  for (const [label, i, style, colour] of entries) {
    const item = element("li");
    const sample = style === "mark" || style === "points"
      ? `<g class="${colour ?? `s${i % PALETTE}`} dot">${mark(style === "mark" ? i : 0, 13, 6, 4)}</g>`
      : `<line class="s${i}" x1="0" x2="26" y1="6" y2="6" stroke-dasharray="${dash(style, i)}"/>`;
    item.innerHTML = `<svg width="26" height="12" aria-hidden="true">${sample}</svg>`;
    item.append(element("span", label));
    list.append(item);
  }
  return list;
}
