// What the reader puts into a frame that the page computes: points that are dropped or dragged in a plane, a picture
// that is drawn, words that are pressed. A twin's panel says what it takes (`own`), and its frames are computed with what is there.

/** @typedef {{name: string, at: number[], label: string, kind: string}} Handle */
/** @typedef {{handles?: Handle[], trails?: {past: number[][], ahead: number[][]}[]}} Takes The rest is names in `own`:
 * `drop` of points, `draw` of a picture over the one at `image`, `press` of parts; a `hint`, and what a button `does`. */

const NEAR = 5; // pixels within which a press is not a drag
const BRUSH = 1.15; // of a drawn line, in pixels of the picture

/** @param {Takes | undefined} own @param {any} plot */
function drawOwn(own, plot) {
  const line = (/** @type {number[][]} */ way, /** @type {string} */ classes) =>
    `<polyline class="${classes}" points="${way.map(([x, y]) => `${plot.x(x).toFixed(1)} ${plot.y(y).toFixed(1)}`).join(" ")}"/>`;
  const trails = (own?.trails ?? []).map(({ past, ahead }) => line(ahead, "trail ahead") + line(past, "trail"));
  const count = new Map();
  const handles = (own?.handles ?? []).map(({ name, at: [x, y], label, kind }) => {
    const i = count.get(name) ?? 0;
    count.set(name, i + 1);
    const said = `${escaped(label)}; the arrow keys move it`;
    return `<circle class="handle ${kind}" data-own="${name} ${i}" tabindex="0" role="button" aria-label="${said}"
      cx="${plot.x(x).toFixed(1)}" cy="${plot.y(y).toFixed(1)}" r="${kind === "dropped" ? 6 : 12}"/>`;
  });
  return trails.join("") + handles.join("");
}

/** @param {any} figure @param {any} room @param {() => any[][]} shown @param {Own} own
 * @param {() => Record<string, unknown>} setting @param {() => void} changed */
function makeOwn(figure, room, shown, own, setting, changed) {
  /** @type {((event: any) => void) | null} */
  let held = null;
  const where = (/** @type {any} */ target) => {
    const box = target.closest?.(".panel");
    const panel = box && shown()[[...room.children].indexOf(box.parentElement)]?.[[...box.parentElement.children].indexOf(box)];
    return panel?.own && { box, panel };
  };
  const things = figure.querySelector(".knobs").appendChild(element("div", "", "own-things"));
  const undo = things.appendChild(element("button", "As it was", "undo"));
  undo.type = "button";
  undo.hidden = true;
  undo.addEventListener("click", () => {
    for (const name of Object.keys(own)) delete own[name];
    changed();
  });
  const put = (/** @type {string} */ name, /** @type {any} */ value) => {
    own[name] = value;
    changed();
  };

  /** Of the points of one name, those that are there; one of them moved.
   * @param {any} panel @param {string} key Name and number. @param {(at: number[]) => number[]} to */
  function move(panel, key, to) {
    const [name, i] = key.split(" "), [x0, x1, y0, y1] = panel.range;
    const handles = panel.own.handles.filter((/** @type {Handle} */ handle) => handle.name === name);
    const there = own[name] ?? handles.map((/** @type {Handle} */ { at }) => ({ at })), [x, y] = to(handles[Number(i)].at);
    const kept = [Math.min(Math.max(x, x0), x1), Math.min(Math.max(y, y0), y1)];
    put(name, there.map((/** @type {any} */ one, /** @type {number} */ j) => (j === Number(i) ? { at: kept, when: setting() } : one)));
  }

  /** Where a hand is in a plane. @param {any} plot @param {any} panel @param {any} hand */
  function valueAt(plot, { range: [x0, x1, y0, y1] }, hand) {
    const seen = plot.firstElementChild.getBoundingClientRect(), { x, y, width, height } = plot.scale;
    const px = ((hand.clientX - seen.left) * width) / seen.width, py = ((hand.clientY - seen.top) * height) / seen.height;
    return [x0 + ((px - x(x0)) * (x1 - x0)) / (x(x1) - x(x0)), y0 + ((py - y(y0)) * (y1 - y0)) / (y(y1) - y(y0))];
  }
  const inside = (/** @type {number[]} */ [x, y], /** @type {number[]} */ [x0, x1, y0, y1]) => x > x0 && x < x1 && y > y0 && y < y1;

  room.addEventListener("pointerdown", (/** @type {any} */ event) => {
    const found = event.button === 0 && where(event.target);
    if (!found) return;
    const { box, panel } = found, handle = event.target.closest(".handle"), plot = box.querySelector(".plot");
    if (handle) {
      const key = handle.dataset.own, r = [...room.children].indexOf(box.parentElement), c = [...box.parentElement.children].indexOf(box);
      const now = () => room.children[r].children[c].querySelector(".plot");
      handle.focus({ preventScroll: true });
      held = (hand) => move(panel, key, () => valueAt(now(), panel, hand));
    } else if (event.target.closest(".drawable")) {
      held = brush(panel, event.target, event);
    } else if (plot && panel.own.drop && event.target.closest(".plot > svg")) {
      const at = valueAt(plot, panel, event);
      if (inside(at, panel.range)) room.addEventListener("pointerup", (/** @type {any} */ up) => {
        if (Math.hypot(up.clientX - event.clientX, up.clientY - event.clientY) < NEAR) drop(panel, at);
      }, { once: true });
      return;
    } else {
      return;
    }
    room.setPointerCapture(event.pointerId); // what is held is drawn anew under the hand
    room.classList.add("in-hand");
    event.preventDefault();
  });
  room.addEventListener("pointermove", (/** @type {any} */ event) => held?.(event));
  for (const end of ["pointerup", "pointercancel"]) {
    room.addEventListener(end, () => {
      if (held) room.classList.remove("in-hand");
      held = null;
    });
  }
  /** A part that is pressed is put among those that are, or taken from them.
   * @param {any} panel @param {any} box */
  function press(panel, box) {
    const name = panel?.own?.press, i = Number(box?.dataset.part), there = own[name] ?? [];
    if (name && box) put(name, there.includes(i) ? there.filter((/** @type {number} */ j) => j !== i) : [...there, i]);
  }
  room.addEventListener("click", (/** @type {any} */ event) => press(where(event.target)?.panel, event.target.closest("[data-part]")));
  room.addEventListener("keydown", (/** @type {any} */ event) => {
    const box = (event.key === "Enter" || event.key === " ") && event.target.matches(".panel") && event.target.querySelector(".pressable .lit");
    if (!box) return;
    event.preventDefault();
    press(where(box)?.panel, box);
  });
  room.addEventListener("keydown", (/** @type {any} */ event) => {
    const key = event.target.matches(".handle") && event.target.dataset.own, found = key && where(event.target);
    const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (!found || dx === undefined || dy === undefined) return;
    event.preventDefault();
    const step = (found.panel.range[1] - found.panel.range[0]) / 60;
    move(found.panel, key, ([x, y]) => [x + dx * step, y + dy * step]);
  });

  /** @param {any} panel @param {number[]} at */
  function drop(panel, at) {
    put(panel.own.drop, [...(own[panel.own.drop] ?? []), { at, when: setting() }]);
  }

  /** A picture that is drawn upon: returns what follows the hand.
   * @param {any} panel @param {any} canvas @param {any} down */
  function brush(panel, canvas, down) {
    const { draw, image } = panel.own, sheet = (own[draw] ?? panel.images[image]).map((/** @type {number[]} */ row) => [...row]);
    const seen = canvas.getBoundingClientRect(), scale = sheet.length / seen.width;
    const at = (/** @type {any} */ hand) => [(hand.clientX - seen.left) * scale - 0.5, (hand.clientY - seen.top) * scale - 0.5];
    let [x, y] = at(down);
    const follow = (/** @type {any} */ hand) => {
      const [ax, ay] = [x, y], [bx, by] = at(hand), steps = Math.ceil(Math.hypot(bx - ax, by - ay) * 2) || 1;
      for (let k = 0; k <= steps; k++) {
        const cx = ax + ((bx - ax) * k) / steps, cy = ay + ((by - ay) * k) / steps;
        sheet.forEach((/** @type {number[]} */ row, /** @type {number} */ r) => row.forEach((v, c) => {
          row[c] = Math.max(v, Math.min(1, Math.max(0, 1 + BRUSH - Math.hypot(c - cx, r - cy)))); // soft at its rim
        }));
      }
      [x, y] = [bx, by];
      put(draw, sheet.map((/** @type {number[]} */ row) => [...row]));
    };
    follow(down);
    return follow;
  }

  /** What keys can do as well: a button for each thing that a press in a panel does. */
  const buttons = new Set();
  return () => {
    undo.hidden = Object.keys(own).length === 0;
    shown().forEach((row, r) => row.forEach((panel, c) => {
      const does = panel.own?.does ?? (panel.own?.drop ? "Drop a point" : panel.own?.draw ? "Blank sheet" : "");
      if (!does || buttons.has(does)) return;
      buttons.add(does);
      const button = element("button", does, "put");
      button.type = "button";
      undo.before(button);
      button.addEventListener("click", () => {
        const now = shown()[r][c], { drop: dropped, draw, image, blank = image } = now.own;
        if (dropped) drop(now, somewhere(now.range, (own[dropped] ?? []).length));
        else put(draw, now.images[blank].map((/** @type {number[]} */ line) => line.map(() => 0)));
      });
    }));
  };
}

/** The next of places that are spread over a plane.
 * @param {number[]} range @param {number} i */
function somewhere([x0, x1, y0, y1], i) {
  const part = (/** @type {number} */ ratio) => 0.2 + 0.6 * ((0.5 + (i + 1) * ratio) % 1);
  return [x0 + (x1 - x0) * part(0.7549), y0 + (y1 - y0) * part(0.5698)];
}
