// Panels: one line a kind, with what draws it and, where its axes are to hold still, what finds their
// ranges, and where there is something between two of a kind, what finds that.

const NARROWEST = 280, GAP = 14, FRAME = 34; // pixels: the same stand in diagram.css

/** @type {Record<string, {draw: Function, ranges?: (panel: any) => Record<"x" | "y", [number, number]>, ease?: (a: any, b: any, k: number) => any}>} */
const PANELS = {
  curves: { draw: drawCurves, ranges: rangesOf, ease: easeCurves },
  scatter: { draw: drawScatter, ease: easeScatter },
  quiver: { draw: drawQuiver, ease: easeQuiver },
  sketch: { draw: drawSketch, ease: easeSketch },
  heatmap: { draw: drawHeatmap, ease: easeHeatmap },
  images: { draw: drawImages, ease: easeImages },
  bars: { draw: drawBars, ease: easeBars },
  tokens: { draw: drawTokens, ease: easeTokens },
  words: { draw: drawWords },
};

/** @param {any} panel @param {any} ranges @param {HTMLElement} figure @param {number} mates */
function drawPanel(panel, ranges, figure, mates) {
  const room = roomFor(figure, mates);
  const box = element("section", "", `panel of-${panel.kind}`);
  box.setAttribute("aria-label", panel.title);
  if (panel.drag?.length) makeFocusable(box, panel);
  if (panel.title) box.append(element("p", panel.title, "title")); // no heading: levels differ from page to page
  box.append(...PANELS[panel.kind].draw(panel, room, ranges, figure).filter(Boolean));
  return box;
}

/** @param {HTMLElement} box @param {any} panel */
function makeFocusable(box, panel) {
  const axes = panel.drag.map((/** @type {Drag} */ drag) => drag.axis).sort().join("");
  box.classList.add("seizable", `along-${axes}`);
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `${panel.title}. The arrow keys turn ${panel.drag.map((/** @type {Drag} */ drag) => drag.knob).join(" and ")}`);
}

/** Plots are drawn as wide as they will stand there, so that their letters keep their size.
 * @param {HTMLElement} figure @param {number} mates */
function roomFor(figure, mates) {
  const whole = figure.querySelector(".panels")?.clientWidth || NARROWEST;
  const each = (whole - GAP * (mates - 1)) / mates;
  return Math.min(Math.max((each < NARROWEST ? whole : each) - FRAME, 240), 600);
}
