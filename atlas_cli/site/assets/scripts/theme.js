// Light or dark, as the reader's system has it, until the reader chooses; the choice is remembered where it may be.
// What is painted on a canvas hears of a change by the event atlas-theme.

/** @param {any} button */
function themeSwitch(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = isDark() ? "☀" : "☾";
    button.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
    button.title = button.getAttribute("aria-label");
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("atlas-theme", root.dataset.theme);
    } catch {
      // it holds for this page, then
    }
    show();
    document.dispatchEvent(new Event("atlas-theme"));
  });
  system.addEventListener("change", show);
  show();
}
