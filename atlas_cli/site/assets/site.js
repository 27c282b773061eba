// The atlas in a browser: search, lineage on the map, quizzes, copying. Every page reads well without it.
"use strict";
{

const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
};

// --- search -------------------------------------------------------------------------------------------
// The index is a script of its own, fetched from beside this one when the box is first used. An entry is
// [address, title, where, other names, text].

const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

function score([, title, where, names, text], words) {
  let total = 0;
  for (const word of words) {
    const begins = (field) => fold(field).split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word));
    if (fold(title) === word) total += 60;
    else if (begins(title)) total += 30;
    else if (begins(names)) total += 18;
    else if (begins(where)) total += 6;
    else if (fold(text).includes(word)) total += 3;
    else return 0;
  }
  return total + (where.includes("›") ? 0 : 4); // a page before its sections
}

function snippet(text, words) {
  const at = Math.max(0, Math.min(...words.map((word) => {
    const found = fold(text).indexOf(word);
    return found < 0 ? Infinity : found;
  })));
  const start = Number.isFinite(at) ? Math.max(0, text.lastIndexOf(" ", at - 40) + 1) : 0;
  const piece = (start ? "… " : "") + text.slice(start, start + 130) + (text.length > start + 130 ? " …" : "");
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[^\p{L}\p{N}]/gu, "\\$&")).join("|")})`, "giu");
  return piece.split(pattern).map((part, i) => (i % 2 ? make("mark", { textContent: part }) : part));
}

function search(form) {
  const input = form.querySelector("input");
  const list = form.querySelector(".results");
  const { root, index } = form.dataset;
  let chosen = -1;
  form.hidden = false;

  const choose = (at) => {
    const options = all("[role=option]", list);
    chosen = options.length ? (at + options.length) % options.length : -1;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === chosen)));
    input.setAttribute("aria-activedescendant", chosen < 0 ? "" : options[chosen].id);
    if (chosen >= 0) options[chosen].scrollIntoView({ block: "nearest" });
  };
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); };

  function show() {
    const words = fold(input.value).split(/\s+/).filter(Boolean);
    if (!words.length || !window.atlasIndex) return close();
    const found = window.atlasIndex.map((entry) => [score(entry, words), entry])
      .filter(([points]) => points > 0).sort((a, b) => b[0] - a[0]).slice(0, 12);
    list.replaceChildren(...found.map(([, [address, title, where, , text]], i) => {
      const named = where.includes("›") ? where : title;
      const link = make("a", { href: root + address, tabIndex: -1 }, make("b", { textContent: named }),
        make("small", {}, ...snippet(text, words)));
      const option = make("li", { id: `result-${i}` }, link);
      option.setAttribute("role", "option");
      return option;
    }));
    if (!found.length) list.append(make("li", {}, make("p", { textContent: "Nothing found." })));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(0);
  }

  input.addEventListener("focus", () => {
    if (window.atlasIndex || document.getElementById("atlas-index")) return;
    document.head.append(make("script", { id: "atlas-index", src: index, onload: show }));
  });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Escape") close();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("[aria-selected=true] a")?.click();
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });
}

// --- the map: pointing at a topic lights what it comes from and what came of it ------------------------

function lineage(map) {
  const edges = all(".edge", map).map((path) => ({ path, from: path.dataset.from, to: path.dataset.to }));
  const follow = (start, near, far) => {
    const seen = new Set([start]);
    const lit = [];
    for (const name of seen) for (const edge of edges) if (edge[near] === name) { lit.push(edge.path); seen.add(edge[far]); }
    return [seen, lit];
  };
  const trace = (name) => {
    const [before, down] = follow(name, "to", "from");
    const [after, up] = follow(name, "from", "to");
    all(".lit", map).forEach((node) => node.classList.remove("lit"));
    map.classList.toggle("tracing", Boolean(name));
    if (!name) return;
    [...down, ...up].forEach((path) => path.classList.add("lit"));
    all(".topic", map).forEach((topic) =>
      topic.classList.toggle("lit", before.has(topic.dataset.topic) || after.has(topic.dataset.topic)));
  };
  for (const topic of all(".topic", map)) {
    for (const event of ["mouseenter", "focus"]) topic.addEventListener(event, () => trace(topic.dataset.topic));
    for (const event of ["mouseleave", "blur"]) topic.addEventListener(event, () => trace(""));
  }
}

// --- quiz: one question at a time, the why after each answer, a score ----------------------------------

function quiz(form) {
  const questions = all(".question", form);
  const bar = form.querySelector(".progress i");
  const score = form.querySelector(".score");
  const button = make("button", { className: "button", type: "button", hidden: true });
  let at = 0;
  let right = 0;
  form.querySelector(".progress").hidden = false;
  score.after(button);
  all("details", form).forEach((details) => details.remove());

  const reveal = (question, label, verdict) => {
    label.classList.add(label.dataset.right ? "right" : "wrong");
    const why = make("span", { className: "why" }, make("b", { textContent: `${verdict} ` }));
    why.append(label.querySelector("template").content.cloneNode(true));
    label.lastElementChild.append(why);
  };
  const show = () => {
    questions.forEach((question, i) => { question.hidden = i !== at; });
    button.hidden = true;
    score.textContent = "";
    bar.style.width = `${(100 * at) / questions.length}%`;
  };
  const answer = (question, label) => {
    all("input", question).forEach((input) => { input.disabled = true; });
    const good = Boolean(label.dataset.right);
    right += good ? 1 : 0;
    reveal(question, label, good ? "Right." : "Not quite.");
    if (!good) reveal(question, question.querySelector("[data-right]"), "This one.");
    score.textContent = `${right} of ${at + 1} right`;
    button.textContent = at + 1 < questions.length ? "Next question" : "See the score";
    button.hidden = false;
    button.focus();
  };
  const finish = () => {
    questions.forEach((question) => { question.hidden = false; });
    bar.style.width = "100%";
    score.textContent = `${right} of ${questions.length} right. All questions with your answers stand above.`;
    button.hidden = true;
    score.scrollIntoView({ block: "center" });
  };
  form.addEventListener("change", (event) => answer(event.target.closest(".question"), event.target.closest(".choice")));
  button.addEventListener("click", () => {
    at += 1;
    if (at >= questions.length) return finish();
    show();
    questions[at].querySelector("legend").focus();
  });
  show();
}

// --- code that can be copied, and wide things that the keyboard can scroll ------------------------------

function copyable(block) {
  const button = make("button", { className: "copy", type: "button", textContent: "copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  block.append(button);
}

const reachable = () => all("pre.code, .table, .formula math").forEach((box) => {
  if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
});

all(".search").forEach(search);
all(".map svg").forEach(lineage);
all("form.quiz").forEach(quiz);
if (navigator.clipboard) all("pre.code.sh, pre.code.bash").forEach(copyable);
reachable();
addEventListener("resize", reachable);
}
