// Every figure of the page wakes up.

document.addEventListener("DOMContentLoaded", () => {
  for (const figure of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("figure.atlas-diagram"))) {
    const data = JSON.parse(figure.querySelector('script[type="application/json"]')?.textContent ?? "");
    (figure.dataset.kind === "stepped" ? stepped : explorable)(figure, data);
  }
});
