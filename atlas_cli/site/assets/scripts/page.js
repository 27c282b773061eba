// What a page wakes up: code that can be copied, wide things that the keyboard can scroll, and the rest.

/** @param {any} block */
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

all(".theme").forEach(themeSwitch);
all(".search").forEach(searchBox);
all(".map svg").forEach(lineage);
all("form.quiz").forEach(quiz);
all("form.guess").forEach(guess);
if (navigator.clipboard) all("pre.code.sh, pre.code.bash").forEach(copyable);
reachable();
addEventListener("resize", reachable);
for (const contents of all(".contents")) {
  contents.addEventListener("click", (/** @type {Event} */ event) => {
    if (event.target instanceof HTMLAnchorElement) contents.open = false;
  });
}
