// Sketches: lines, arrows, dots, areas, nodes and notes on a plane, drawn in their order.

const EDGES = ["", "5 3", "2 2"]; // around areas, so that neighbours differ without colour
const NODE = 13, TIGHT = 48; // the radius of a node, and how many times that a plane is wide where it is smaller

/** @typedef {{label: string, paths: number[][][], style: string, hue: number | null, parts: (number | number[])[]}} Shape */

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
  const parts = { left: 0, middle: 0.5, right: 1 }; // of a note, how much of it lies left of its place
  const within = (/** @type {number} */ at, /** @type {string} */ text, /** @type {number} */ part) =>
    Math.max(plot.left + part * LETTER * text.length, Math.min(at, plot.right - (1 - part) * LETTER * text.length));
  const said = notes.map(({ text, x, y, side }) =>
    `<text class="mark-note"${size} x="${(text.length > 3 ? within(plot.x(x), text, parts[side]) : plot.x(x)).toFixed(1)}" y="${(plot.y(y) + 4).toFixed(1)}" text-anchor="${anchors[side]}">${escaped(text)}</text>`);
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
function drawShape(shape, nth, place, node) {
  const { paths, style, hue } = shape, of = (/** @type {number} */ i) => partAttributes(shape, i);
  const at = paths.map((path) => path.map(([x, y]) => place(x, y)));
  const way = (/** @type {number[][]} */ path) => `M${path.map((point) => point.map((v) => v.toFixed(1)).join(" ")).join("L")}`;
  const count = paths.reduce((n, path) => n + path.length, 0);
  const each = {
    line: () => at.map((path, i) => `<path class="stroke"${of(i)} d="${way(path)}"/>`),
    dashed: () => at.map((path, i) => `<path class="stroke"${of(i)} stroke-dasharray="6 4" d="${way(path)}"/>`),
    arrow: () => at.map((path, i) => `<path class="stroke"${of(i)} d="${way(path)}${barbs(path)}"/>`),
    dots: () => at.flat().map(([x, y], i) => mark(nth, x, y, count > 60 ? 2.4 : count === 1 ? 6 : 3.4, of(i))),
    area: () => at.map((path, i) => `<path class="area"${of(i)} stroke-dasharray="${EDGES[nth % EDGES.length]}" d="${way(path)}Z"/>`),
    nodes: () => at.flat().map(([x, y], i) => `<circle class="node"${of(i)} cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${node.toFixed(1)}"/>`),
    "full nodes": () => at.flat().map(([x, y], i) => `<circle class="node full"${of(i)} cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${node.toFixed(1)}"/>`),
  };
  const looks = style === "dots" ? (count === 1 ? " dot lone" : " dot") : "";
  return `<g class="${hue === null ? "soft" : `s${hue % PALETTE}`}${looks}">${each[style]().join("")}</g>`;
}

/** The numbers of all that a part is made of; whole ones, whatever packing made of them.
 * @param {Shape} shape @param {number} i @returns {number[]} */
const madeOf = ({ parts }, i) => (parts.length ? [parts[i]].flat().map(Math.round) : []);

/** @param {Shape} shape @param {number} i */
function partAttributes(shape, i) {
  const numbers = madeOf(shape, i);
  return numbers.length ? ` data-of="${numbers.join(" ")}" role="img" aria-label="${escaped(`${shape.label} ${numbers[numbers.length - 1] + 1}`.trim())}"` : "";
}

/** The parts of a sketch, each once, with the places of what is drawn of them.
 * @param {Shape[]} shapes @returns {{numbers: number[], ways: number[][][]}[]} */
function partsOfSketch(shapes) {
  const known = new Map();
  for (const shape of shapes.filter(({ parts }) => parts.length)) {
    const ways = /dots|nodes/.test(shape.style) ? shape.paths.flat().map((point) => [point]) : shape.paths;
    ways.forEach((way, i) => {
      const numbers = madeOf(shape, i), key = numbers.join();
      known.set(key, { numbers, ways: [...(known.get(key)?.ways ?? []), shape.style === "area" ? [...way, way[0]] : way] });
    });
  }
  return [...known.values()].sort((a, b) => a.numbers[a.numbers.length - 1] - b.numbers[b.numbers.length - 1] || a.numbers.length - b.numbers.length);
}

const FINGER = 14; // units of the drawing within which a part is pointed at

/** The part of a sketch next to a point of its drawing, if one is near.
 * @param {Shape[]} shapes @param {{x: (v: number) => number, y: (v: number) => number}} scale @param {number} px @param {number} py */
function partNear(shapes, { x, y }, px, py) {
  let near = FINGER, found = null;
  for (const part of partsOfSketch(shapes)) {
    for (const way of part.ways) {
      way.forEach((point, i) => {
        const [bx, by] = [x(point[0]), y(point[1])], [ax, ay] = i ? [x(way[i - 1][0]), y(way[i - 1][1])] : [bx, by];
        const long = (bx - ax) ** 2 + (by - ay) ** 2, k = long && Math.min(Math.max(((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / long, 0), 1);
        const own = way.length === 1 ? NODE / 2 : 0; // a node lies above the lines that end at it
        const far = Math.hypot(ax + k * (bx - ax) - px, ay + k * (by - ay) - py) - own;
        if (far < near) [near, found] = [far, part.numbers];
      });
    }
  }
  return found;
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
    const small = { ...shape, parts: [], paths: paths[shape.style] ?? [[[0, 7], [26, 7]]] };
    const item = element("li");
    item.innerHTML = `<svg width="26" height="14" aria-hidden="true">${drawShape(small, nthOf(shapes, i), (x, y) => [x, y], 6)}</svg>`;
    item.append(element("span", shape.label));
    list.append(item);
  });
  return list.childElementCount > 0 && list;
}
