// The diagrams of the atlas: the steps of block diagrams, and the knobs of explorables.
// Every figure carries its data as JSON; nothing is fetched. A page that a network draws
// live has live.js beside this file. Colours and motion are diagram.css's.
"use strict";

const PALETTE = 6; // colours of series, --d-series-0 and on
const DASHES = ["", "7 3", "2 3", "10 3 2 3", "5 5", "1 2"]; // a second mark beside the colour
const calm = matchMedia("(prefers-reduced-motion: reduce)");

document.addEventListener("DOMContentLoaded", () => {
  for (const figure of document.querySelectorAll("figure.atlas-diagram")) {
    const data = JSON.parse(figure.querySelector('script[type="application/json"]').textContent);
    (figure.dataset.kind === "stepped" ? stepped : explorable)(figure, data);
  }
});

// --- block diagrams ----------------------------------------------------------------------------------

function stepped(figure, { step: first, steps, code }) {
  const find = (selector) => figure.querySelector(selector);
  const caption = find(".caption"), panel = find(".code"), player = makePlayer(find(".play"), advance);
  let current = 0;

  function show(number) {
    const moved = current !== 0; // a page that opens stays where it is
    current = number;
    const { say, nodes, edges } = steps[number - 1];
    caption.replaceChildren(element("b", `Step ${number} of ${steps.length}`), element("span", say));
    light(".node", "node", nodes);
    light(".edge, text.label", "edge", edges);
    for (const button of figure.querySelectorAll(".number")) {
      button.setAttribute("aria-current", Number(button.dataset.step) === number ? "step" : "false");
    }
    find(".back").disabled = number === 1;
    find(".next").disabled = number === steps.length;
    const coded = nodes.find((name) => code[name]);
    if (coded) showCode(coded);
    if (moved) reveal();
  }

  function light(selector, key, names) {
    for (const part of figure.querySelectorAll(selector)) {
      part.classList.toggle("lit", names.includes(part.dataset[key]));
    }
  }

  // On a small screen the lit boxes may lie beyond an edge of the picture, or of the screen.
  function reveal() {
    const lit = [...figure.querySelectorAll(".node.lit > rect")].map((box) => box.getBoundingClientRect());
    const seen = lit.filter((box) => box.width);
    if (!seen.length) return;
    const [left, right] = [Math.min(...seen.map((b) => b.left)), Math.max(...seen.map((b) => b.right))];
    const [top, bottom] = [Math.min(...seen.map((b) => b.top)), Math.max(...seen.map((b) => b.bottom))];
    const picture = find(".picture"), frame = picture.getBoundingClientRect();
    const teller = find(".teller").getBoundingClientRect();
    const floor = teller.left < frame.right ? Math.min(innerHeight, teller.top) : innerHeight;
    const behavior = calm.matches ? "auto" : "smooth";
    if (left < frame.left || right > frame.right) {
      picture.scrollBy({ left: (left + right - frame.left - frame.right) / 2, behavior });
    }
    if (top < 0 || bottom > floor) scrollBy({ top: (top + bottom - floor) / 2, behavior });
  }

  function showCode(name) {
    const { label, name: called, place, html } = code[name];
    panel.hidden = false;
    const told = [element("b", label), " is ", element("code", called), element("span", place)];
    panel.querySelector(".code-name").replaceChildren(...told);
    panel.querySelector("pre code").innerHTML = html; // escaped and coloured when the page was made
    for (const node of figure.querySelectorAll(".node")) {
      node.classList.toggle("coded", node.dataset.node === name);
    }
  }

  function advance() {
    if (current < steps.length) show(current + 1);
    return current < steps.length && 1400 + 28 * steps[current - 1].say.length; // time to read it
  }

  function go(number) {
    player.stop();
    if (number >= 1 && number <= steps.length && number !== current) show(number);
  }

  find(".back").addEventListener("click", () => go(current - 1));
  find(".next").addEventListener("click", () => go(current + 1));
  player.before(() => current === steps.length && show(1));
  for (const button of figure.querySelectorAll(".number")) {
    button.addEventListener("click", () => go(Number(button.dataset.step)));
  }
  for (const node of figure.querySelectorAll('.node[role="button"]')) {
    node.setAttribute("aria-controls", panel.id);
    for (const event of ["focus", "click"]) node.addEventListener(event, () => showCode(node.dataset.node));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        showCode(node.dataset.node);
      }
    });
  }
  // A page with one diagram listens everywhere, a page with several where the focus is.
  const alone = document.querySelectorAll("figure.atlas-diagram").length === 1;
  (alone ? document : figure).addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("pre, input, select")) return;
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 1, End: steps.length }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
  show(first);
}

// A play button: `tick` moves on and returns the milliseconds until the next one, or false at the end.
function makePlayer(button, tick) {
  const name = button.getAttribute("aria-label");
  let timer = 0, prepare = () => {};
  const set = (playing) => {
    button.textContent = playing ? "❚❚" : "▶";
    button.setAttribute("aria-label", playing ? name.replace("Play", "Pause") : name);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    set(false);
  };
  const run = () => {
    const wait = tick();
    if (wait === false) stop();
    else timer = setTimeout(run, wait);
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    prepare();
    set(true);
    timer = setTimeout(run, 350);
  });
  return { stop, before: (action) => (prepare = action) };
}

// --- explorables -------------------------------------------------------------------------------------

// A knob's place is that of its value in the knob's list, or a text of the reader's own.
async function explorable(figure, { knobs, at, packed, live }) {
  const place = [...at];
  const valueOf = (i) => (typeof place[i] === "string" ? place[i] : knobs[i].values[place[i]]);
  const { frameOf, scales } = live ? askedFrames(knobs, valueOf, live, () => ask()) : await packedFrames(knobs, packed);
  let drawing = 0, speaking = 0;

  function draw() {
    drawing = 0;
    const frame = frameOf(place);
    if (!frame) return; // the first of a network's frames is not there yet
    const { panels, caption, facts } = frame;
    knobs.forEach((knob, i) => {
      const output = figure.querySelector(`[data-knob="${knob.name}"] output`);
      const told = `${tell(valueOf(i))}${knob.unit ? " " + knob.unit : ""}`;
      if (!output) return; // a choice shows its value itself
      output.textContent = told;
      figure.querySelector(`[data-knob="${knob.name}"] input`).setAttribute("aria-valuetext", told);
    });
    const rows = panels.map((row, r) => {
      const line = element("div", "", "row");
      line.append(...row.map((panel, c) => drawPanel(panel, scales(place, r, c, panel), figure, row.length)));
      return line;
    });
    figure.querySelector(".panels").replaceChildren(...rows);
    const pairs = Object.entries(facts).map(([name, value]) => {
      const pair = element("div");
      pair.append(element("dt", name), element("dd", tell(value)));
      return pair;
    });
    figure.querySelector(".facts").replaceChildren(...pairs);
    // The sentence is spoken anew only if it changes; the figures once the knob rests.
    const said = figure.querySelector(".caption");
    if (said.textContent !== caption) said.textContent = caption;
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      const figures = Object.entries(facts).map(([name, value]) => `${name} ${tell(value)}`).join(", ");
      figure.querySelector(".spoken").textContent = figures;
    }, 700);
  }

  const ask = () => (drawing ||= requestAnimationFrame(draw));
  knobs.forEach((knob, i) => {
    const control = figure.querySelector(`[data-knob="${knob.name}"]`);
    control.addEventListener("input", (event) => {
      player?.stop();
      const own = event.target.type === "text";
      if (own) {
        for (const button of control.querySelectorAll("input:checked")) button.checked = false;
      }
      place[i] = own ? event.target.value : Number(event.target.value);
      if (place[i] !== "") ask();
    });
    const button = control.querySelector(".play"), input = control.querySelector("input");
    const last = knob.values.length - 1;
    const move = (to) => {
      place[i] = to;
      input.value = to;
      ask();
    };
    const player = button && makePlayer(button, () => {
      if (place[i] < last) move(place[i] + 1);
      return place[i] < last && (calm.matches ? 900 : Math.max(90, Math.min(700, 7000 / last)));
    });
    player?.before(() => place[i] === last && move(0));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ask);
  addEventListener("resize", ask);
  draw();
}

// Frames that the page holds, one for each setting.
async function packedFrames(knobs, packed) {
  const { frames, arrays } = JSON.parse(await inflate(packed));
  const unpacked = arrays.map(() => null); // arrays are undone when they are first shown
  const array = (place) => (unpacked[place] ??= undo(arrays[place]));
  const frameOf = (setting) => filled(frames[setting.reduce((n, v, i) => n * knobs[i].values.length + v, 0)], array);
  return { frameOf, scales: makeScales(knobs, frameOf) };
}

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

// From differences of whole numbers to numbers, nested as they were.
function undo({ shape, low, step, stride, differences }) {
  const whole = differences.slice();
  for (let i = stride; i < whole.length; i++) whole[i] += whole[i - stride];
  let values = whole.map((n) => low + n * step);
  for (const length of shape.slice(1).reverse()) {
    values = Array.from({ length: values.length / length }, (_, i) => values.slice(i * length, (i + 1) * length));
  }
  return values;
}

function filled(value, array) {
  if (Array.isArray(value)) return value.map((item) => filled(item, array));
  if (value === null || typeof value !== "object") return value;
  if ("array" in value) return array(value.array);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, array)]));
}

// The ranges of a panel over all values of the sliders, so that a turning knob moves curves, not axes.
// A few extreme settings do not squash all others: they widen the axes when they are shown.
function makeScales(knobs, frameOf) {
  const known = new Map();
  return (place, row, column, panel) => {
    const { ranges } = PANELS[panel.kind];
    if (!ranges) return null;
    const key = [row, column, ...place.filter((_, i) => knobs[i].kind === "choice")].join();
    if (!known.has(key)) {
      let settings = [[]];
      knobs.forEach((knob, i) => {
        const values = knob.kind === "choice" ? [place[i]] : knob.values.map((_, v) => v);
        settings = settings.flatMap((setting) => values.map((v) => [...setting, v]));
      });
      const others = settings.map((setting) => frameOf(setting).panels[row]?.[column]);
      known.set(key, others.filter((other) => other?.kind === panel.kind).map(ranges));
    }
    const usual = (name, end, share) => {
      const ends = known.get(key).map((one) => one[name][end]).sort((a, b) => a - b);
      return ends[Math.round((ends.length - 1) * share)];
    };
    const own = ranges(panel);
    const wide = ([low, high], name) => [Math.min(low, usual(name, 0, 0.15)), Math.max(high, usual(name, 1, 0.85))];
    return { x: wide(own.x, "x"), y: wide(own.y, "y") };
  };
}

function rangesOf({ series, log_x, log_y, marker }) {
  const range = (values, log) => values.filter((v) => !log || v > 0).reduce(
    ([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
  const xs = series.flatMap((line) => line.xs), ys = series.flatMap((line) => line.ys);
  return { x: range(marker === null ? xs : [...xs, marker], log_x), y: range(ys, log_y) };
}

// --- panels: one line a kind -----------------------------------------------------------------------------

// What draws a kind and, where its axes are to hold still, what finds their ranges.
const PANELS = {
  curves: { draw: drawCurves, ranges: rangesOf },
  scatter: { draw: drawScatter },
  quiver: { draw: drawQuiver },
  heatmap: { draw: drawHeatmap },
  images: { draw: drawImages },
  bars: { draw: drawBars },
  tokens: { draw: drawTokens },
  words: { draw: drawWords },
};

function drawPanel(panel, ranges, figure, mates) {
  // Plots are drawn about as wide as they will stand there, so that their figures stay readable.
  const room = innerWidth < 480 ? 320 : mates > 1 ? 380 : 600;
  const box = element("section", "", `panel of-${panel.kind}`);
  if (panel.title) box.append(element("h3", panel.title));
  box.append(...PANELS[panel.kind].draw(panel, room, ranges, figure).filter(Boolean));
  return box;
}

function drawCurves({ title, series, x_label, y_label, log_x, log_y, marker }, room, ranges) {
  const plot = makePlot(ranges.x, padded(ranges.y, log_y), { title, room, x_label, y_label, log_x, log_y });
  // Many curves of one kind, such as paths, need no names.
  const named = series.length <= PALETTE;
  let drawn = "";
  if (marker !== null) {
    const at = plot.x(marker);
    drawn += `<line class="marker" x1="${at}" x2="${at}" y1="${plot.top}" y2="${plot.bottom}"/>`;
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

const dash = (style, i) => (style === "dashed" ? "6 4" : DASHES[i % DASHES.length]);

function drawScatter({ title, groups, range }, room) {
  const plot = makePlot(range.slice(0, 2), range.slice(2), { title, room, square: true });
  const drawn = groups.map(({ points }, i) => {
    const marks = points.map(([x, y]) => mark(i, plot.x(x), plot.y(y), points.length > 400 ? 1.6 : 3)).join("");
    return `<g class="s${i % PALETTE} dot">${marks}</g>`;
  });
  return [plot.svg(drawn.join("")), groups.length > 1 && legend(groups.map(({ label }, i) => [label, i, "mark"]))];
}

// Dot, square, triangle or diamond, so that groups differ without colour too.
function mark(i, x, y, r) {
  const at = (dx, dy) => `${(x + dx * r).toFixed(1)} ${(y + dy * r).toFixed(1)}`;
  if (i % 4 === 0) return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}"/>`;
  if (i % 4 === 1) return `<path d="M${at(-1, -1)}L${at(1, -1)}L${at(1, 1)}L${at(-1, 1)}Z"/>`;
  if (i % 4 === 2) return `<path d="M${at(0, -1.3)}L${at(1.2, 1)}L${at(-1.2, 1)}Z"/>`;
  return `<path d="M${at(0, -1.4)}L${at(1.4, 0)}L${at(0, 1.4)}L${at(-1.4, 0)}Z"/>`;
}

function drawQuiver({ title, points, vectors, range }, room) {
  const plot = makePlot(range.slice(0, 2), range.slice(2), { title, room, square: true });
  const arrows = points.map(([x, y], i) => {
    const [ax, ay, bx, by] = [plot.x(x), plot.y(y), plot.x(x + vectors[i][0]), plot.y(y + vectors[i][1])];
    const length = Math.hypot(bx - ax, by - ay), pair = (u, v) => `${u.toFixed(1)} ${v.toFixed(1)}`;
    if (length < 0.7) return `<circle class="s0 dot" cx="${ax.toFixed(1)}" cy="${ay.toFixed(1)}" r="1"/>`;
    const [ux, uy] = [(bx - ax) / length, (by - ay) / length], head = Math.min(6, length / 2);
    const wing = (side) => pair(bx - (ux + (side * uy) / 2) * head, by - (uy - (side * ux) / 2) * head);
    return `<path class="s0 arrow" d="M${pair(ax, ay)}L${pair(bx, by)}M${wing(1)}L${pair(bx, by)}L${wing(-1)}"/>`;
  });
  return [plot.svg(arrows.join(""))];
}

function drawHeatmap({ title, rows, low, high, x_label, y_label, x_ticks, y_ticks, diverging }, _room, _ranges, figure) {
  const shade = makeShade(figure, diverging, low, high);
  const box = element("div", "", "heat");
  const wide = rows[0].length / rows.length;
  box.style.setProperty("--ratio", Math.min(Math.max(wide, 0.5), 3));
  const ticks = (names, side, cells) => {
    const list = element("div", "", `ticks ${side}${names.length === cells ? " each" : ""}`);
    list.append(...names.map((name) => element("span", name)));
    return list;
  };
  const canvas = paint(rows, shade);
  describe(canvas, `${title}: ${rows.length} rows, ${rows[0].length} columns, shades from ${tell(low)} to ${tell(high)}`);
  box.append(ticks(y_ticks, "y", rows.length), canvas, ticks(x_ticks, "x", rows[0].length));
  const key = element("div", "", "key");
  const bar = paint([Array.from({ length: 64 }, (_, i) => low + ((high - low) * i) / 63)], shade);
  bar.setAttribute("aria-hidden", "true");
  key.append(element("span", tell(low)), bar, element("span", tell(high)));
  const axes = [y_label && `down: ${y_label}`, x_label && `across: ${x_label}`].filter(Boolean).join(" · ");
  return [box, axes && element("p", axes, "axis-names"), key];
}

function drawImages({ title, images, columns, captions }) {
  const grid = element("div", "", "grid");
  grid.style.setProperty("--columns", columns);
  images.forEach((image, i) => {
    const cell = element("div");
    const canvas = paint(image, (v) => [255, 255, 255].map((c) => c * Math.min(Math.max(v, 0), 1)));
    describe(canvas, `${title}: ${captions[i] ?? `image ${i + 1} of ${images.length}`}`);
    cell.append(canvas, ...(captions[i] ? [element("span", captions[i])] : []));
    grid.append(cell);
  });
  return [grid];
}

function drawBars({ labels, values, high }) {
  const list = element("ul", "", "bars");
  labels.forEach((label, i) => {
    const item = element("li"), track = element("span", "", "track"), bar = element("span", "", "bar");
    bar.style.width = `${Math.min(Math.max((100 * values[i]) / high, 0), 100)}%`;
    track.append(bar);
    item.append(element("span", label, "name"), track, element("span", tell(values[i]), "amount"));
    list.append(item);
  });
  return [list];
}

function drawTokens({ tokens }) {
  const line = element("p", "", "tokens");
  for (const [text, weight, note] of tokens) {
    const token = element("span", "", "token"), word = element("span", text.replace(/\n/g, "↵") || " ", "word");
    token.style.setProperty("--weight", Math.min(Math.max(weight, 0), 1));
    token.append(word, element("small", note));
    line.append(token, " ");
  }
  return [line];
}

function drawWords({ lines }) {
  return [element("div", lines.join("\n"), "words")];
}

// --- helpers of the panels -------------------------------------------------------------------------------

// Axes with round ticks; gives the way from values to pixels.
function makePlot([x0, x1], [y0, y1], { title, room, x_label = "", y_label = "", log_x, log_y, square }) {
  const width = square ? Math.min(room, 480) : room, height = square ? width : Math.min(150 + room / 4, 270);
  const left = 52, right = width - 12, top = y_label ? 24 : 10, bottom = height - (x_label ? 42 : 26);
  const along = (low, high, log, from, to) => (v) => {
    const [a, b, c] = log ? [low, high, v].map(Math.log10) : [low, high, v];
    return from + ((to - from) * (c - a)) / (b - a || 1);
  };
  const x = along(x0, x1, log_x, left, right), y = along(y0, y1, log_y, bottom, top);
  let axes = "";
  for (const t of ticks(x0, x1, log_x)) {
    axes += `<line x1="${x(t)}" x2="${x(t)}" y1="${top}" y2="${bottom}"/>
      <text x="${x(t)}" y="${bottom + 16}" text-anchor="middle">${tickText(t, log_x)}</text>`;
  }
  for (const t of ticks(y0, y1, log_y)) {
    axes += `<line x1="${left}" x2="${right}" y1="${y(t)}" y2="${y(t)}"/>
      <text x="${left - 6}" y="${y(t) + 4}" text-anchor="end">${tickText(t, log_y)}</text>`;
  }
  const middle = (left + right) / 2;
  if (x_label) axes += `<text class="axis" x="${middle}" y="${height - 6}" text-anchor="middle">${escaped(x_label)}</text>`;
  if (y_label) axes += `<text class="axis" x="${left - 44}" y="12">${escaped(y_label)}</text>`;
  const svg = (drawn) => {
    const box = element("div", "", square ? "plot square" : "plot");
    const name = [title, x_label && `across: ${x_label}`, y_label && `up: ${y_label}`].filter(Boolean).join("; ");
    box.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(name)}">
      <g class="scale">${axes}</g><svg x="${left - 4}" y="${top - 4}" width="${right - left + 8}" height="${bottom - top + 8}"
      viewBox="${left - 4} ${top - 4} ${right - left + 8} ${bottom - top + 8}">${drawn}</svg></svg>`;
    return box;
  };
  return { x, y, top, bottom, svg };
}

function ticks(low, high, log) {
  if (log) {
    const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
    const by = Math.max(1, Math.ceil((to - from) / 5));
    const powers = Array.from({ length: Math.max(0, Math.floor((to - from) / by) + 1) }, (_, i) => 10 ** (from + i * by));
    if (powers.length >= 2) return powers;
    return [low, Math.sqrt(low * high), high].map((v) => Number(v.toPrecision(2)));
  }
  const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

// Large and small powers of ten as 10 with a raised exponent.
function tickText(value, log) {
  const exponent = Math.log10(value);
  if (!log || !Number.isInteger(exponent) || Math.abs(exponent) < 4) return tell(value);
  return "10" + [...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
}

function padded([low, high], log) {
  if (log) return low < high ? [low, high] : [low / 2, high * 2];
  const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 && low <= room * 4 ? 0 : low - room, high + room];
}

function legend(entries) {
  const list = element("ul", "", "legend");
  for (const [label, i, style] of entries) {
    const item = element("li");
    const sample = style === "mark" || style === "points"
      ? `<g class="s${i % PALETTE} dot">${mark(style === "mark" ? i : 0, 13, 6, 4)}</g>`
      : `<line class="s${i}" x1="0" x2="26" y1="6" y2="6" stroke-dasharray="${dash(style, i)}"/>`;
    item.innerHTML = `<svg width="26" height="12" aria-hidden="true">${sample}</svg>`;
    item.append(element("span", label));
    list.append(item);
  }
  return list;
}

// From a value to red, green and blue, between the colours that the style sheet names.
function makeShade(figure, diverging, low, high) {
  const probe = figure.querySelector(".probe"), name = diverging ? "both" : "ramp";
  const stops = Array.from({ length: 5 }, (_, i) => {
    probe.style.color = `var(--d-${name}-${i})`;
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
  });
  return (value) => {
    const place = Math.min(Math.max((value - low) / (high - low || 1), 0), 1) * 4, i = Math.min(Math.floor(place), 3);
    return stops[i].map((c, k) => c + (stops[i + 1][k] - c) * (place - i));
  };
}

function paint(rows, colour) {
  const canvas = element("canvas");
  canvas.width = rows[0].length;
  canvas.height = rows.length;
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  rows.flat().forEach((value, i) => image.data.set([...colour(value), 255], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas;
}

function describe(canvas, text) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
}

function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function escaped(text) {
  return element("i", text).innerHTML.replace(/"/g, "&quot;");
}

// A figure to four digits, as people write it.
function tell(value) {
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(1).replace("e+", "e");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
