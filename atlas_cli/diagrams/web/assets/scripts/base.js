// The diagrams of the atlas: the steps of block diagrams, and the knobs of explorables. Every figure carries its
// data as JSON; nothing is fetched, unless a network of this machine draws it live. Colours and motion are
// diagram.css's. These files are joined in the order of SCRIPTS in page.py and put into one block, so that none of
// their names reaches a page.

const PALETTE = 6; // colours of series, --d-series-0 and on
const DASHES = ["", "7 3", "2 3", "10 3 2 3", "5 5", "1 2"]; // a second mark beside the colour
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {string} name @param {string} text @param {string} classes @returns {any} */
function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

/** @param {string} text */
function escaped(text) {
  return element("i", text).innerHTML.replace(/"/g, "&quot;");
}

/** A figure as people write it, to so many digits.
 * @param {unknown} value @param {number} digits */
function tell(value, digits = 4) {
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e4) return String(value).replace("-", "−"); // a count, all of it
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(1).replace("e+", "e").replace("-", "−");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

/** @param {HTMLElement} canvas @param {string} text */
function describe(canvas, text) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", text);
}
