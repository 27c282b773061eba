// Curves, points and arrows.

/** @param {any} panel @param {number} room @param {any} ranges */
function drawCurves({ title, series, x_label, y_label, log_x, log_y, marker, drag }, room, ranges) {
  const scaled = (/** @type {string} */ label, /** @type {boolean} */ log) => (log ? `${label} (log scale)`.trim() : label);
  const labels = { x_label: scaled(x_label, log_x), y_label: scaled(y_label, log_y) };
  const plot = makePlot(ranges.x, padded(ranges.y, log_y), { title, room, log_x, log_y, ...labels });
  // Many curves of one kind, such as paths, need no names.
  const named = series.length <= PALETTE;
  let drawn = "";
  if (marker !== null) {
    const at = plot.x(marker);
    drawn += `<line class="marker" x1="${at}" x2="${at}" y1="${plot.top}" y2="${plot.bottom}"/>`;
    if (drag?.length) drawn += `<circle class="grip" cx="${at}" cy="${(plot.top + plot.bottom) / 2}" r="7"/>`;
  }
  series.forEach(({ xs, ys, style }, i) => {
    const points = xs.map((x, j) => [x, ys[j]]).filter(([x, y]) => (!log_x || x > 0) && (!log_y || y > 0));
    const pixels = points.map(([x, y]) => [plot.x(x).toFixed(1), plot.y(y).toFixed(1)]);
    const colour = `s${named ? i : i % PALETTE}`;
    drawn += style === "points"
      ? pixels.map(([x, y]) => `<circle class="${colour} dot" cx="${x}" cy="${y}" r="3"/>`).join("")
      : `<polyline class="${colour}${named ? "" : " thin"}" stroke-dasharray="${dash(style, named ? i : 0)}"
          points="${pixels.join(" ")}"/>`;
  });
  const names = series.map(({ label, style }, i) => [label, i, style]);
  return [plot.svg(drawn), named && series.length > 1 && legend(names)];
}

/** @param {string} style @param {number} i */
const dash = (style, i) => (style === "dashed" ? "6 4" : style === "solid" ? "" : DASHES[i % DASHES.length]);

/** @param {any} panel @param {number} room */
function drawScatter({ title, groups, range, links, own }, room) {
  const plot = makePlot(range.slice(0, 2), range.slice(2), { title, room, square: true });
  const drawn = groups.map(({ points }, i) => {
    const size = points.length > 400 ? 1.6 : points.length === 1 ? 7 : 3; // a lone one is what is looked for
    const marks = points.map(([x, y], j) => mark(i, plot.x(x), plot.y(y), size, links?.length ? ` data-part="${j}"` : "")).join("");
    return `<g class="${hue(i, groups.length)} dot${points.length === 1 ? " lone" : ""}">${marks}</g>`;
  });
  const names = groups.map(({ label }, i) => [label, i, "mark", hue(i, groups.length)]);
  return [plot.svg(drawn.join("") + drawOwn(own, plot)), groups.length > 1 && legend(names), own?.hint && element("p", own.hint, "hint")];
}

/** The first of several groups is the ground that the others are seen on, as in a file and in a terminal.
 * @param {number} i @param {number} count */
const hue = (i, count) => (count > 1 && i === 0 ? "soft" : `s${(count > 1 ? i - 1 : 0) % PALETTE}`);

// Dot, square, triangle or diamond, so that groups differ without colour too.
/** @param {number} i @param {number} x @param {number} y @param {number} r @param {string} more Attributes. */
function mark(i, x, y, r, more = "") {
  const at = (/** @type {number} */ dx, /** @type {number} */ dy) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`;
  if (i % 4 === 0) return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}"${more}/>`;
  if (i % 4 === 1) return `<path d="M${at(-1, -1)}L${at(1, -1)}L${at(1, 1)}L${at(-1, 1)}Z"${more}/>`;
  if (i % 4 === 2) return `<path d="M${at(0, -1.3)}L${at(1.2, 1)}L${at(-1.2, 1)}Z"${more}/>`;
  return `<path d="M${at(0, -1.4)}L${at(1.4, 0)}L${at(0, 1.4)}L${at(-1.4, 0)}Z"${more}/>`;
}

/** @param {any} panel @param {number} room */
function drawQuiver({ title, points, vectors, range, names, links, own }, room) {
  const plot = makePlot(range.slice(0, 2), range.slice(2), { title, room, square: true });
  const arrows = points.map(([x, y], i) => {
    const [ax, ay, bx, by] = [plot.x(x), plot.y(y), plot.x(x + vectors[i][0]), plot.y(y + vectors[i][1])];
    const length = Math.hypot(bx - ax, by - ay), pair = (/** @type {number} */ u, /** @type {number} */ v) => `${u.toFixed(1)} ${v.toFixed(1)}`;
    const colour = `s${names.length ? i % PALETTE : 0}`, part = links?.length ? ` data-part="${i}"` : "";
    if (length < 0.7) return `<circle class="${colour} dot" cx="${ax.toFixed(1)}" cy="${ay.toFixed(1)}" r="1"${part}/>`;
    const [ux, uy] = [(bx - ax) / length, (by - ay) / length], head = Math.min(6, length / 2);
    const wing = (/** @type {number} */ side) => pair(bx - (ux + (side * uy) / 2) * head, by - (uy - (side * ux) / 2) * head);
    return `<path class="${colour} arrow${names.length ? " lone" : ""}" d="M${pair(ax, ay)}L${pair(bx, by)}M${wing(1)}L${pair(bx, by)}L${wing(-1)}"${part}/>`;
  });
  return [plot.svg(arrows.join("") + drawOwn(own, plot)), names.length && legend(names.map((name, i) => [name, i, "solid"])), own?.hint && element("p", own.hint, "hint")];
}
