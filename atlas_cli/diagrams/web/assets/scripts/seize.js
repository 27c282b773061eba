// Hands on panels. Where a panel names knobs (`drag`), a press or a drag on it turns them to the value nearest to
// the hand, and so do the arrow keys while it has the focus. The sliders stay, for who cannot see the panel.

/** @typedef {{knob: string, axis: "x" | "y", values: unknown[], at: number[]}} Drag */

/** How far a hand is, along one axis and in pixels, from where each value of a knob lies on a drawn panel.
 * @param {any} box @param {Drag} drag @param {any[]} values @param {{clientX: number, clientY: number}} hand */
function distances(box, drag, values, hand) {
  const at = drag.at.length ? values.map((value) => drag.at[drag.values.indexOf(value)]) : values;
  const across = drag.axis === "x", [from, size, own] = across ? ["left", "width", hand.clientX] : ["top", "height", hand.clientY];
  const plot = box.querySelector(".plot"), canvas = box.querySelector(".heat > canvas");
  if (plot) {
    const seen = plot.firstElementChild.getBoundingClientRect(), { x, y, width, height } = plot.scale;
    const scale = seen[size] / (across ? width : height);
    return at.map((v) => Math.abs(seen[from] + (across ? x : y)(v) * scale - own));
  }
  if (canvas) {
    const seen = canvas.getBoundingClientRect();
    return at.map((v) => Math.abs(seen[from] + ((v + 0.5) * seen[size]) / canvas[size] - own));
  }
  const boxes = [...box.querySelectorAll(".token, .bars > li")].map((item) => item.getBoundingClientRect());
  return at.map((v) => {
    const one = boxes[v];
    return one ? Math.hypot((one.left + one.right) / 2 - hand.clientX, (one.top + one.bottom) / 2 - hand.clientY) : Infinity;
  });
}

/** Which way along its axis a knob's values go: to the right and up, or, where `at` falls, to the left and down.
 * Rows of cells are counted from the top.
 * @param {any} box @param {Drag} drag */
function heading(box, { axis, at }) {
  const falls = at.length > 1 && at[at.length - 1] < at[0], down = axis === "y" && !box.querySelector(".plot");
  return falls === down ? 1 : -1;
}

/** Lets hands turn knobs on the panels of a figure, which are drawn anew all the time (stage.js keeps the focus).
 * @param {any} room Holds the rows of panels. @param {any[]} knobs
 * @param {() => any[][]} shown The panels that are drawn now.
 * @param {(knob: number, place: number) => void} turn @param {(knob: number) => number} placeOf */
function makeSeizable(room, knobs, shown, turn, placeOf) {
  /** @type {[number, number] | null} */
  let held = null; // row and column of the panel under the hand
  const where = (/** @type {any} */ target) => {
    const box = target.closest(".seizable");
    return box && /** @type {[number, number]} */ ([[...room.children].indexOf(box.parentElement), [...box.parentElement.children].indexOf(box)]);
  };
  const seized = (/** @type {[number, number]} */ [r, c]) => ({ panel: shown()[r]?.[c], box: room.children[r]?.children[c] });
  const turned = (/** @type {any} */ panel, /** @type {(drag: Drag, i: number) => number} */ to) => {
    for (const drag of panel?.drag ?? []) {
      const i = knobs.findIndex((knob) => knob.name === drag.knob), place = to(drag, i);
      if (place >= 0 && place < knobs[i].values.length && place !== placeOf(i)) turn(i, place);
    }
  };

  function follow(/** @type {any} */ event) {
    if (!held) return;
    const { panel, box } = seized(held);
    if (!box) return;
    turned(panel, (drag, i) => {
      const far = distances(box, drag, knobs[i].values, event).map((d) => (Number.isFinite(d) ? d : Infinity));
      return far.indexOf(Math.min(...far));
    });
  }
  room.addEventListener("pointerdown", (/** @type {any} */ event) => {
    held = event.button === 0 ? where(event.target) : null;
    if (!held) return;
    room.setPointerCapture(event.pointerId); // the panel itself is drawn anew under the hand
    room.classList.add("in-hand");
    seized(held).box.focus({ preventScroll: true });
    event.preventDefault();
    follow(event);
  });
  room.addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) {
    room.addEventListener(end, () => {
      held = null;
      room.classList.remove("in-hand");
    });
  }
  room.addEventListener("keydown", (/** @type {any} */ event) => {
    const at = event.target.classList.contains("seizable") && where(event.target);
    const [axis, way] = { ArrowRight: ["x", 1], ArrowLeft: ["x", -1], ArrowUp: ["y", 1], ArrowDown: ["y", -1] }[event.key] ?? [];
    if (!at || !axis || event.altKey || event.ctrlKey || event.metaKey) return;
    const { panel, box } = seized(at);
    if (!panel.drag.some((/** @type {Drag} */ drag) => drag.axis === axis)) return;
    event.preventDefault();
    turned(panel, (drag, i) => (drag.axis === axis ? placeOf(i) + way * heading(box, drag) : -1));
  });
}
