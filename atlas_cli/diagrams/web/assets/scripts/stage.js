// Frames on their stage: panels that have not changed are left alone, the others are drawn anew, eased from what is
// shown, be that on its way itself, to what is wanted last.

/** @typedef {{panels: any[][], ranges: any[][]}} Scene Panels, and the ranges of their axes. */

/** @param {HTMLElement} figure @param {any} room Holds the rows of panels. @param {(() => void)} drawn Called after each drawing. */
function makeStage(figure, room, drawn) {
  /** @type {Scene | null} */
  let shown = null;
  let ticking = 0, width = 0, slow = false;

  /** @param {Scene} scene @param {boolean} anew */
  function put(scene, anew = false) {
    const before = anew || width !== room.clientWidth ? null : shown, focus = focused();
    width = room.clientWidth;
    const fits = before && before.panels.length === scene.panels.length
      && scene.panels.every((row, r) => row.length === before.panels[r].length);
    const make = (/** @type {number} */ r, /** @type {number} */ c) =>
      drawPanel(scene.panels[r][c], scene.ranges[r][c], figure, scene.panels[r].length);
    if (fits) {
      scene.panels.forEach((row, r) => row.forEach((panel, c) => {
        if (same(panel, before.panels[r][c]) && same(scene.ranges[r][c], before.ranges[r][c])) return;
        room.children[r].children[c].replaceWith(make(r, c));
      }));
    } else {
      room.replaceChildren(...scene.panels.map((row, r) => {
        const line = element("div", "", "row");
        line.append(...row.map((_, c) => make(r, c)));
        return line;
      }));
    }
    shown = scene;
    drawn();
    focus();
  }

  /** What has the focus keeps it when its panel is drawn anew; returns what gives it back. */
  function focused() {
    const active = /** @type {any} */ (document.activeElement), box = room.contains(active) && active.closest(".panel");
    if (!box) return () => {};
    const r = [...room.children].indexOf(box.parentElement), c = [...box.parentElement.children].indexOf(box), own = active.dataset.own;
    return () => {
      const now = room.children[r]?.children[c];
      const wanted = own ? now?.querySelector(`[data-own="${own}"]`) : now;
      if (wanted && wanted !== document.activeElement) wanted.focus({ preventScroll: true });
    };
  }

  /** @param {Scene} scene @param {boolean} eased */
  function show(scene, eased) {
    cancelAnimationFrame(ticking);
    if (!eased || !shown || calm.matches || slow) {
      slow = false;
      put(scene);
      return;
    }
    const from = shown, start = performance.now() - 1000 / 60; // the first step is seen at once
    const tick = () => {
      const now = performance.now(), part = Math.min((now - start) / EASE_MS, 1);
      if (part < 1) {
        put(between(from, scene, 1 - (1 - part) ** 2));
        slow = performance.now() - now > 25; // such a machine is better off without steps
        ticking = requestAnimationFrame(tick);
      } else {
        put(scene);
      }
    };
    tick();
  }
  return { show, again: () => { if (shown) put(shown, true); }, panels: () => shown?.panels ?? [] };
}

/** @param {Scene} from @param {Scene} to @param {number} k @returns {Scene} */
function between(from, to, k) {
  const panels = to.panels.map((row, r) => row.map((panel, c) => {
    const old = from.panels[r]?.[c], { ease } = PANELS[panel.kind];
    return ease && old?.kind === panel.kind && !same(old, panel) ? ease(old, panel, k) : panel;
  }));
  const ranges = to.ranges.map((row, r) => row.map((range, c) => {
    const old = from.ranges[r]?.[c], { log_x, log_y } = to.panels[r][c];
    if (!old || !range || from.panels[r][c].kind !== to.panels[r][c].kind) return range;
    return { x: mixed(old.x, range.x, k, log_x), y: mixed(old.y, range.y, k, log_y) };
  }));
  return { panels, ranges };
}

/** Whether two values of JSON are equal.
 * @param {any} a @param {any} b @returns {boolean} */
function same(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b || Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(b);
  return names.length === Object.keys(a).length && names.every((name) => same(a[name], b[name]));
}
