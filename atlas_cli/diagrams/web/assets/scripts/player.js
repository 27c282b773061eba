// A play button: `tick` moves on and returns the milliseconds until the next one, or false at the end.

/** @param {any} button @param {() => number | false} tick */
function makePlayer(button, tick) {
  const name = button.getAttribute("aria-label");
  let timer = 0, prepare = () => {};
  const set = (/** @type {boolean} */ playing) => {
    button.textContent = playing ? "❚❚" : "▶";
    button.setAttribute("aria-label", playing ? name.replace("Play", "Pause") : name);
  };
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    set(false);
  };
  const run = () => {
    const wait = tick();
    if (wait === false) stop();
    else timer = setTimeout(run, wait);
  };
  const start = () => {
    if (timer) return;
    prepare();
    set(true);
    timer = setTimeout(run, 350);
  };
  button.addEventListener("click", () => (timer ? stop() : start()));
  return { start, stop, before: (/** @type {() => void} */ action) => { prepare = action; } };
}
