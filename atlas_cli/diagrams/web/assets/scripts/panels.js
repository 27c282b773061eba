// Panels: one line a kind, with what draws it and, where its axes are to hold still, what finds their ranges.

const NARROWEST = 280, GAP = 14, FRAME = 34; // pixels: the same stand in diagram.css

/** @type {Record<string, {draw: Function, ranges?: (panel: any) => Record<"x" | "y", [number, number]>}>} */
const PANELS = {
  curves: { draw: drawCurves, ranges: rangesOf },
  scatter: { draw: drawScatter },
  quiver: { draw: drawQuiver },
  sketch: { draw: drawSketch },
  heatmap: { draw: drawHeatmap },
  images: { draw: drawImages },
  bars: { draw: drawBars },
  tokens: { draw: drawTokens },
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
