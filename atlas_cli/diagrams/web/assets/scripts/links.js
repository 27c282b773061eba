// What belongs together is lit together. Panels name what their parts are (`links`): who points at a part, or walks to it
// with the arrow keys, sees the parts of the same name and number in the other panels. A cell of a matrix says its value.

/** @typedef {{name: string, axis: "x" | "y", first: number}} Link */
/** @typedef {{x?: number | number[], y?: number}} Spot Places of parts along the axes of a panel; a part of a sketch may be made of several. */

/** Bars of the same labels and tokens of the same texts are linked without a word of it.
 * @param {any} panel @returns {Link[]} */
function linksOf(panel) {
  if (panel.links?.length) return panel.links;
  const told = panel.labels ?? panel.tokens?.map((/** @type {string[]} */ [text]) => text);
  return told ? [{ name: told.join("\n"), axis: "x", first: 0 }] : [];
}

/** Lights parts of the panels in a room, which are drawn anew all the time.
 * @param {any} room @param {() => any[][]} shown @param {(text: string) => void} say */
function makeLinked(room, shown, say) {
  /** @type {{r: number, c: number, spot: Spot} | null} */
  let pointed = null;
  const every = () => shown().flatMap((row, r) => row.map((panel, c) => ({ panel, links: linksOf(panel), box: room.children[r]?.children[c] })));
  const at = (/** @type {number} */ r, /** @type {number} */ c) => ({ panel: shown()[r]?.[c], box: room.children[r]?.children[c] });
  const where = (/** @type {any} */ target) => {
    const box = target.closest?.(".panel");
    return box && room.contains(box) && { r: [...room.children].indexOf(box.parentElement), c: [...box.parentElement.children].indexOf(box) };
  };

  /** After each drawing: which panels have something in common, and the light again. */
  function mark() {
    const all = every(), names = all.flatMap(({ links }) => links.map(({ name }) => name));
    for (const { panel, links, box } of all) {
      const linked = links.some(({ name }) => names.indexOf(name) !== names.lastIndexOf(name))
        || (links.length > 0 && (panel.shapes ?? []).some((/** @type {Shape} */ { parts }) => parts.length > 0));
      box.classList.toggle("linked", linked);
      if (!linked || box.tabIndex === 0) continue;
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      const more = panel.own?.press ? "; Enter presses it" : "";
      box.setAttribute("aria-label", `${panel.title}. The arrow keys light one part after another, and what belongs to it elsewhere${more}`);
    }
    light();
  }

  function light() {
    for (const lit of room.querySelectorAll(".lit")) lit.classList.remove("lit");
    for (const ray of room.querySelectorAll(".rays, .ray")) ray.remove();
    every().forEach(({ panel, box }) => {
      const names = panel.rows && box.querySelector(".axis-names");
      if (names) names.textContent = axisNames(panel);
    });
    if (!pointed) return;
    const { r, c, spot } = pointed, { panel, box } = at(r, c);
    if (!box) return;
    if (panel.rows && spot.x !== undefined && spot.y !== undefined) {
      const names = box.querySelector(".axis-names");
      if (names) names.textContent = cellSays(panel, /** @type {{x: number, y: number}} */ (spot));
    }
    if (!box.classList.contains("linked")) return;
    for (const link of linksOf(panel)) {
      const place = spot[link.axis];
      if (place === undefined) continue;
      for (const other of every()) {
        for (const { name, axis, first } of other.links) {
          const own = other.box === box && axis !== link.axis; // a square matrix lights the row and column of its cell
          if (name !== link.name || (own && spot[axis] !== undefined)) continue;
          lightParts(other.box, other.panel, axis, [place].flat().map((one) => one + link.first - first));
        }
      }
    }
  }

  /** @param {{r: number, c: number} | null} box @param {Spot | null} spot */
  function point(box, spot) {
    const next = box && spot ? { ...box, spot } : null;
    if (same(next, pointed)) return;
    pointed = next;
    light();
  }

  const hover = (/** @type {any} */ event) => {
    if (room.classList.contains("in-hand")) return;
    const found = where(event.target);
    point(found, found && spotUnder(at(found.r, found.c).box, at(found.r, found.c).panel, event));
  };
  for (const event of ["pointermove", "pointerdown"]) room.addEventListener(event, hover);
  room.addEventListener("pointerleave", (/** @type {any} */ event) => { if (event.pointerType === "mouse") point(null, null); });

  room.addEventListener("focusin", (/** @type {any} */ event) => {
    const walked = event.target.matches(".linked:not(.seizable):focus-visible") && where(event.target);
    if (walked && !(pointed?.r === walked.r && pointed?.c === walked.c)) walk(walked, spotAt(at(walked.r, walked.c).panel, 0, 0));
  });
  room.addEventListener("focusout", () => setTimeout(() => { // a panel that is drawn anew has the focus again by then
    const now = document.activeElement;
    if (!room.contains(now) || !now?.matches(".linked:not(.seizable)")) point(null, null);
  }));
  room.addEventListener("keydown", (/** @type {any} */ event) => {
    if (!event.target.matches(".linked:not(.seizable)") || event.altKey || event.ctrlKey || event.metaKey) return;
    const box = where(event.target), { panel } = at(box.r, box.c), [columns, rows] = sizeOf(panel);
    const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] ?? [];
    if (dx === undefined || dy === undefined) return;
    event.preventDefault();
    const { x, y } = placeOf(panel, pointed?.spot ?? {}), flat = rows === 1;
    const within = (/** @type {number} */ value, /** @type {number} */ size) => Math.min(Math.max(value, 0), size - 1);
    walk(box, spotAt(panel, within(x + dx + (flat ? dy : 0), columns), within(y + (flat ? 0 : dy), rows)));
  });

  /** @param {{r: number, c: number}} box @param {Spot} spot */
  function walk(box, spot) {
    point(box, spot);
    const told = every().map(({ panel, box: other }) => {
      const lit = [...other.querySelectorAll(".lit")].map((part) => part.innerText ?? part.getAttribute("aria-label") ?? "").filter(Boolean);
      const cell = other === at(box.r, box.c).box && panel.rows ? [cellSays(panel, /** @type {any} */ (spot))] : [];
      return [...cell, ...lit].length ? `${panel.title}: ${[...cell, ...lit].join(", ").replace(/\n/g, " ")}` : "";
    });
    say(told.filter(Boolean).join(". "));
  }
  return mark;
}

/** How many parts lie across a panel and down it.
 * @param {any} panel */
function sizeOf({ rows, series, shapes, labels, tokens, images, points, groups }) {
  if (shapes) return [partsOfSketch(shapes).length, 1];
  if (rows) return [rows[0].length, rows.length];
  if (series) return [Math.max(...series.flatMap((/** @type {any} */ line) => line.xs)) + 1, 1];
  return [(labels ?? tokens ?? images ?? points ?? groups?.[0].points ?? []).length, 1];
}

/** The part so far across a panel and down it: the parts of a sketch are counted, whatever they are made of.
 * @param {any} panel @param {number} x @param {number} y @returns {Spot} */
const spotAt = ({ shapes }, x, y) => (shapes ? { x: partsOfSketch(shapes)[x]?.numbers ?? [] } : { x, y });

/** The inverse. @param {any} panel @param {Spot} spot @returns {{x: number, y: number}} */
function placeOf({ shapes }, { x = 0, y = 0 }) {
  return { x: shapes ? Math.max(0, partsOfSketch(shapes).findIndex(({ numbers }) => same(numbers, x))) : Number(x), y };
}

/** @param {any} box @param {any} panel @param {any} hand @returns {Spot | null} */
function spotUnder(box, panel, hand) {
  const own = hand.target.closest("[data-part]"), canvas = box.querySelector(".heat > canvas"), plot = box.querySelector(".plot");
  if (own) return { x: Number(own.dataset.part) };
  const seen = (canvas ?? plot?.firstElementChild)?.getBoundingClientRect();
  if (!seen || hand.clientX < seen.left || hand.clientX >= seen.right || hand.clientY < seen.top || hand.clientY >= seen.bottom) return null;
  if (canvas) {
    return {
      x: Math.floor(((hand.clientX - seen.left) * canvas.width) / seen.width),
      y: Math.floor(((hand.clientY - seen.top) * canvas.height) / seen.height),
    };
  }
  if (!(panel.series ?? panel.shapes) || !panel.links?.length) return null;
  const own_x = ((hand.clientX - seen.left) * plot.scale.width) / seen.width;
  if (panel.shapes) {
    const under = hand.target.closest("[data-of]");
    if (under) return { x: under.dataset.of.split(" ").map(Number) };
    const numbers = partNear(panel.shapes, plot.scale, own_x, ((hand.clientY - seen.top) * plot.scale.height) / seen.height);
    return numbers && { x: numbers };
  }
  const whole = panel.series.flatMap((/** @type {any} */ line) => line.xs).filter(Number.isInteger);
  const far = (/** @type {number} */ x) => Math.abs(plot.scale.x(x) - own_x);
  return whole.length ? { x: whole.reduce((/** @type {number} */ best, /** @type {number} */ x) => (far(x) < far(best) ? x : best)) } : null;
}

/** Of a sketch what is made of nothing but these.
 * @param {any} box @param {any} panel @param {"x" | "y"} axis @param {number[]} places */
function lightParts(box, panel, axis, places) {
  if (!panel.shapes) {
    for (const place of places) lightPart(box, panel, axis, place);
    return;
  }
  for (const part of box.querySelectorAll("[data-of]")) {
    if (part.dataset.of.split(" ").map(Number).every((/** @type {number} */ one) => places.includes(one))) part.classList.add("lit");
  }
}

/** @param {any} box @param {any} panel @param {"x" | "y"} axis @param {number} place */
function lightPart(box, panel, axis, place) {
  const canvas = box.querySelector(".heat > canvas"), plot = panel.series && box.querySelector(".plot");
  if (canvas) {
    const cells = axis === "x" ? canvas.width : canvas.height;
    if (place < 0 || place >= cells) return;
    const rays = box.querySelector(".rays") ?? canvas.parentElement.appendChild(element("div", "", "rays"));
    const ray = rays.appendChild(element("i", "", "ray")), [from, size] = axis === "x" ? ["left", "width"] : ["top", "height"];
    Object.assign(ray.style, { [from]: `${(100 * place) / cells}%`, [size]: `${100 / cells}%` });
  } else if (plot) {
    const { x, y, top, bottom } = plot.scale;
    const heights = panel.series.flatMap(({ xs, ys }) => (xs.includes(place) ? [ys[xs.indexOf(place)]] : []));
    if (!heights.length) return;
    const dots = heights.map((/** @type {number} */ height) => `<circle cx="${x(place)}" cy="${y(height)}" r="4.5"/>`).join("");
    const line = `<line x1="${x(place)}" x2="${x(place)}" y1="${top}" y2="${bottom}"/>`;
    plot.querySelector("svg svg").insertAdjacentHTML("beforeend", `<g class="ray">${line}${dots}</g>`);
  } else {
    for (const part of box.querySelectorAll(`[data-part="${place}"]`)) part.classList.add("lit");
  }
}
