// Block diagrams: which boxes and arrows a step lights, and the code that a box stands for.

/** @param {HTMLElement} figure @param {any} data */
function stepped(figure, { step: first, steps, code }) {
  const find = (/** @type {string} */ selector) => /** @type {any} */ (figure.querySelector(selector));
  const caption = find(".caption"), panel = find(".code"), player = makePlayer(find(".play"), advance);
  const numbers = [.../** @type {NodeListOf<HTMLElement>} */ (figure.querySelectorAll(".number"))];
  const nodes = [.../** @type {NodeListOf<HTMLElement>} */ (figure.querySelectorAll(".node"))];
  let current = 0;

  /** @param {number} number */
  function show(number) {
    const moved = current !== 0; // a page that opens stays where it is
    current = number;
    const { say, seen, nodes: named, edges, layer, absent } = steps[number - 1];
    const told = [element("b", `Step ${number} of ${steps.length}`), element("span", say)];
    caption.replaceChildren(...told, ...(seen ? [element("em", seen)] : []));
    fill(number);
    light(".node", "node", named);
    light(".edge, text.label", "edge", edges);
    light(".layer, .wedge", "layer", [String(layer)]);
    for (const node of nodes) node.classList.toggle("absent", absent.includes(node.dataset.node ?? ""));
    for (const button of numbers) {
      button.setAttribute("aria-current", Number(button.dataset.step) === number ? "step" : "false");
    }
    find(".back").disabled = number === 1;
    find(".next").disabled = number === steps.length;
    const coded = named.find((/** @type {string} */ name) => code[name]);
    if (coded) showCode(coded);
    if (moved) reveal();
  }

  /** @param {string} selector @param {string} key @param {string[]} names */
  function light(selector, key, names) {
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (figure.querySelectorAll(selector))) {
      part.classList.toggle("lit", names.includes(part.dataset[key] ?? ""));
    }
  }

  // A box holds what its last picture up to this step shows; before the first, that one palely.
  /** @param {number} number */
  function fill(number) {
    for (const node of nodes) {
      const held = [.../** @type {NodeListOf<SVGElement>} */ (node.querySelectorAll(".tile"))];
      const first = (/** @type {SVGElement} */ tile) => Number(tile.dataset.first);
      const due = held.filter((tile) => first(tile) <= number).pop() ?? held[0];
      for (const tile of held) {
        tile.classList.toggle("away", tile !== due);
        tile.classList.toggle("ahead", first(tile) > number);
      }
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

  /** @param {string} name */
  function showCode(name) {
    const { label, name: called, place, html } = code[name];
    panel.hidden = false;
    const told = [element("b", label), " is ", element("code", called), element("span", place)];
    panel.querySelector(".code-name").replaceChildren(...told);
    panel.querySelector("pre code").innerHTML = html; // escaped and coloured when the page was made
    for (const node of nodes) {
      node.classList.toggle("coded", node.dataset.node === name);
    }
  }

  function advance() {
    if (current < steps.length) show(current + 1);
    return current < steps.length && 1400 + 28 * steps[current - 1].say.length; // time to read it
  }

  /** @param {number} number */
  function go(number) {
    player.stop();
    if (number >= 1 && number <= steps.length && number !== current) show(number);
  }

  find(".back").addEventListener("click", () => go(current - 1));
  find(".next").addEventListener("click", () => go(current + 1));
  player.before(() => current === steps.length && show(1));
  for (const button of numbers) {
    button.addEventListener("click", () => go(Number(button.dataset.step)));
  }
  for (const node of nodes.filter((other) => other.getAttribute("role") === "button")) {
    node.setAttribute("aria-controls", panel.id);
    for (const event of ["focus", "click"]) node.addEventListener(event, () => showCode(node.dataset.node ?? ""));
    node.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        showCode(node.dataset.node ?? "");
      }
    });
  }
  // A page with one diagram listens everywhere, a page with several where the focus is.
  const alone = document.querySelectorAll("figure.atlas-diagram").length === 1;
  (alone ? document.body : figure).addEventListener("keydown", (event) => {
    const within = event.target instanceof Element && event.target.closest("pre, input, select");
    if (event.altKey || event.ctrlKey || event.metaKey || within) return;
    const to = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 1, End: steps.length }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  });
  fit(figure);
  addEventListener("resize", () => fit(figure));
  show(first);
}

/** Boxes were laid out for letters of a usual width; where a reader's are wider, names are drawn in to fit.
 * @param {HTMLElement} figure */
function fit(figure) {
  for (const node of /** @type {NodeListOf<SVGGElement>} */ (figure.querySelectorAll(".node"))) {
    const most = (node.querySelector("rect")?.width.baseVal.value ?? 0) - 10;
    for (const text of /** @type {NodeListOf<SVGTextElement>} */ (node.querySelectorAll("text.name, text.shape"))) {
      const room = Number(text.dataset.most ?? most); // beside pictures there is less
      if (text.getComputedTextLength() <= room) continue; // 0 in the drawing that this screen does not show
      text.setAttribute("textLength", String(room));
      text.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }
}
