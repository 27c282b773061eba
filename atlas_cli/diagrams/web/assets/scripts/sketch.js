// Sketches: lines, arrows, dots, areas, nodes and notes on a plane, drawn in their order.

const EDGES = ["", "5 3", "2 2"]; // around areas, so that neighbours differ without colour
const NODE = 13, TIGHT = 48; // the radius of a node, and how many times that a plane is wide where it is smaller

/** @typedef {{label: string, paths: number[][][], style: string, hue: number | null}} Shape */

/** @param {any} panel @param {number} room @param {any} _ranges @param {HTMLElement} figure */
function drawSketch(panel, room, _ranges, figure) {
  const { title, shapes, range, notes, ratio, x_label, y_label, axes, ground, low, high } = panel;
  const [x_ticks, y_ticks] = [panel.x_ticks, panel.y_ticks].map((named) => (named.length ? named : undefined));
  const look = { title, room, x_label, y_label, axes, ratio, x_ticks, y_ticks };
  const plot = makePlot(range.slice(0, 2), range.slice(2), look);
  const behind = ground.length ? shaded(ground, makeShade(figure, false, low, high), plot, range) : "";
  const node = Math.min(NODE, (plot.x(range[1]) - plot.x(range[0])) / TIGHT);
  const drawn = shapes.map((/** @type {Shape} */ shape, /** @type {number} */ i) =>
    drawShape(shape, nthOf(shapes, i), (x, y) => [plot.x(x), plot.y(y)], node));
  const size = shapes.some(({ style }) => style.endsWith("nodes")) ? ` style="font-size: ${Math.min(12, 1.35 * node).toFixed(1)}px"` : "";
  const anchors = { left: "start", middle: "middle", right: "end" };
  const said = notes.map(({ text, x, y, side }) =>
    `<text class="mark-note"${size} x="${plot.x(x).toFixed(1)}" y="${(plot.y(y) + 4).toFixed(1)}" text-anchor="${anchors[side]}">${escaped(text)}</text>`);
  return [plot.svg(behind + drawn.join("") + said.join("")), sketchLegend(shapes)];
}

/** How many shapes of its style come before a shape.
 * @param {Shape[]} shapes @param {number} i */
const nthOf = (shapes, i) => shapes.slice(0, i).filter(({ style }) => style === shapes[i].style).length;

/** @param {number[][]} rows @param {(value: number) => number[]} shade @param {any} plot @param {number[]} range */
function shaded(rows, shade, plot, [x0, x1, y0, y1]) {
  const size = `x="${plot.x(x0)}" y="${plot.y(y1)}" width="${plot.x(x1) - plot.x(x0)}" height="${plot.y(y0) - plot.y(y1)}"`;
  return `<image class="ground" ${size} preserveAspectRatio="none" href="${paint(rows, shade).toDataURL()}"/>`;
}

/** @param {Shape} shape @param {number} nth @param {(x: number, y: number) => number[]} place @param {number} node */
function drawShape({ paths, style, hue }, nth, place, node) {
  const at = paths.map((path) => path.map(([x, y]) => place(x, y)));
  const way = (/** @type {number[][]} */ path) => `M${path.map((point) => point.map((v) => v.toFixed(1)).join(" ")).join("L")}`;
  const count = paths.reduce((n, path) => n + path.length, 0);
  const each = {
    line: () => at.map((path) => `<path class="stroke" d="${way(path)}"/>`),
    dashed: () => at.map((path) => `<path class="stroke" stroke-dasharray="6 4" d="${way(path)}"/>`),
    arrow: () => at.map((path) => `<path class="stroke" d="${way(path)}${barbs(path)}"/>`),
    dots: () => at.flat().map(([x, y]) => mark(nth, x, y, count > 60 ? 2.4 : count === 1 ? 6 : 3.4)),
    area: () => at.map((path) => `<path class="area" stroke-dasharray="${EDGES[nth % EDGES.length]}" d="${way(path)}Z"/>`),
    nodes: () => at.flat().map(([x, y]) => `<circle class="node" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${node.toFixed(1)}"/>`),
    "full nodes": () => at.flat().map(([x, y]) => `<circle class="node full" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${node.toFixed(1)}"/>`),
  };
  const looks = style === "dots" ? (count === 1 ? " dot lone" : " dot") : "";
  return `<g class="${hue === null ? "soft" : `s${hue % PALETTE}`}${looks}">${each[style]().join("")}</g>`;
}

/** The head of an arrow along the last piece of a path.
 * @param {number[][]} path */
function barbs(path) {
  const [[ax, ay], [bx, by]] = path.slice(-2), length = Math.hypot(bx - ax, by - ay);
  if (length < 1.5) return "";
  const [ux, uy] = [(bx - ax) / length, (by - ay) / length], head = Math.min(7, length / 2.5);
  const wing = (/** @type {number} */ side) => `${(bx - (ux + (side * uy) / 2) * head).toFixed(1)} ${(by - (uy - (side * ux) / 2) * head).toFixed(1)}`;
  return `M${wing(1)}L${bx.toFixed(1)} ${by.toFixed(1)}L${wing(-1)}`;
}

/** @param {Shape[]} shapes */
function sketchLegend(shapes) {
  const list = element("ul", "", "legend");
  shapes.forEach((shape, i) => {
    if (!shape.label) return;
    const paths = { area: [[[2, 1], [24, 1], [24, 13], [2, 13]]], dots: [[[13, 7]]], nodes: [[[13, 7]]], "full nodes": [[[13, 7]]] };
    const small = { ...shape, paths: paths[shape.style] ?? [[[0, 7], [26, 7]]] };
    const item = element("li");
    item.innerHTML = `<svg width="26" height="14" aria-hidden="true">${drawShape(small, nthOf(shapes, i), (x, y) => [x, y], 6)}</svg>`;
    item.append(element("span", shape.label));
    list.append(item);
  });
  return list.childElementCount > 0 && list;
}
