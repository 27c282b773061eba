// The box that searches. Its index is a script of its own, loaded from beside this one when it is first used.

const MOST_FOUND = 12, SNIPPET = 130;

/** A piece of the text around the first word that was asked for, with all of them marked.
 * @param {string} text @param {string[]} words */
function snippet(text, words) {
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|")})`, "giu");
  const at = Math.max(0, text.search(pattern));
  const start = at > SNIPPET / 2 ? text.lastIndexOf(" ", at - 40) + 1 : 0;
  const end = start + SNIPPET < text.length ? text.lastIndexOf(" ", start + SNIPPET) : text.length;
  const piece = (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
  return piece.split(pattern).map((part, i) => (i % 2 ? make("mark", { textContent: part }) : part));
}

/** @param {any} form */
function searchBox(form) {
  const input = form.querySelector("input");
  const list = form.querySelector(".results");
  const { root, index: source } = form.dataset;
  /** @type {ReturnType<typeof makeIndex> | undefined} */
  let index;
  let chosen = -1;
  form.hidden = false;

  const choose = (/** @type {number} */ at) => {
    const options = all("[role=option]", list);
    chosen = options.length ? (at + options.length) % options.length : -1;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === chosen)));
    input.setAttribute("aria-activedescendant", chosen < 0 ? "" : options[chosen].id);
    if (chosen >= 0) options[chosen].scrollIntoView({ block: "nearest" });
  };
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };

  function show() {
    const words = asked(input.value);
    const entries = /** @type {any} */ (window).atlasIndex;
    if (!words.length || !entries) return close();
    index ??= makeIndex(entries);
    const found = search(index, input.value, MOST_FOUND);
    list.replaceChildren(...found.map(([kind, address, title, where, , text], i) => {
      const named = kind === "page" || kind === "word" ? title : `${where} › ${title}`;
      const kinds = { diagram: "diagram", word: "glossary" };
      const link = make("a", { href: root + address, tabIndex: -1 }, make("b", { textContent: named }),
        ...(kinds[kind] ? [make("i", { textContent: kinds[kind] })] : []), make("small", {}, ...snippet(text, words)));
      const option = make("li", { id: `result-${i}` }, link);
      option.setAttribute("role", "option");
      return option;
    }));
    const say = (/** @type {string} */ textContent) => {
      const line = make("li", {}, make("p", { textContent }));
      line.setAttribute("role", "presentation"); // it is no option
      list.prepend(line);
    };
    if (!found.length) say("Nothing found.");
    else for (const [given, taken] of corrected(index, input.value)) say(`Nothing has “${given}”; this is for “${taken}”.`);
    list.hidden = false;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", "true");
    choose(0);
  }

  input.addEventListener("focus", () => {
    if (document.getElementById("atlas-index")) return;
    document.head.append(make("script", { id: "atlas-index", src: source, onload: show }));
  });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Escape") close();
  });
  form.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    list.querySelector("[aria-selected=true] a")?.click();
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "")) {
      event.preventDefault();
      input.focus();
    }
  });
}
