// A guess on a page: what was measured is shown once a guess was made. The first guess counts; all of them are kept
// in this browser and nowhere else, where it may keep anything. A pointer guesses with its click; keys walk through
// the choices, and Enter or the button guesses.

const GUESSES = "atlas-guesses";

/** @returns {Record<string, { said: string, right: boolean }>} */
function guessesMade() {
  try {
    const made = JSON.parse(localStorage.getItem(GUESSES) ?? "{}");
    return made && typeof made === "object" && !Array.isArray(made) ? made : {};
  } catch {
    return {};
  }
}

/** @param {Record<string, { said: string, right: boolean }>} made */
function keepGuesses(made) {
  try {
    if (Object.keys(made).length) localStorage.setItem(GUESSES, JSON.stringify(made));
    else localStorage.removeItem(GUESSES);
  } catch {
    // it is told on this page, then
  }
}

/** @param {string} text */
function numberOf(text) {
  const typed = text.trim().replace(",", ".");
  const value = Number(typed.replace(/%$/, "")) / (typed.endsWith("%") ? 100 : 1);
  return typed && typed !== "%" && Number.isFinite(value) ? value : null;
}

/** @param {any} form */
function guess(form) {
  const id = form.dataset.guess;
  const inputs = all("input", form);
  const details = form.querySelector("details");
  const score = form.querySelector(".score");
  const button = make("button", { className: "button", type: "button", textContent: "Guess", disabled: true });
  const forget = make("button", { className: "plain", type: "button", textContent: "Forget all guesses" });
  let pointed = false;
  details.before(button);
  score.after(forget);

  const said = () => {
    const chosen = inputs.find((input) => input.type !== "radio" || input.checked);
    return chosen ? chosen.value.trim() : "";
  };
  const isRight = (/** @type {string} */ word) => {
    if (inputs[0].type === "radio") {
      return Boolean(inputs.find((input) => input.value === word)?.closest("[data-right]"));
    }
    const off = Math.abs((numberOf(word) ?? NaN) - Number(form.dataset.figure));
    return off <= Number(form.dataset.within) + 1e-12;
  };
  const fits = () => (inputs[0].type === "radio" ? said() !== "" : numberOf(said()) !== null);
  const close = () => {
    form.reset();
    details.open = false;
    details.classList.add("waiting");
    button.hidden = false;
    button.disabled = true;
    forget.hidden = true;
    score.textContent = "";
    inputs.forEach((input) => { input.disabled = false; });
    all(".right, .wrong", form).forEach((label) => label.classList.remove("right", "wrong"));
  };
  const reveal = (/** @type {Record<string, { said: string, right: boolean }>} */ made) => {
    const own = made[id];
    inputs.forEach((input) => {
      input.disabled = true;
      if (input.type !== "radio") input.value = own.said;
      else input.checked = input.value === own.said;
      const label = input.closest(".choice");
      if (label?.dataset.right) label.classList.add("right");
      else if (label && input.checked) label.classList.add("wrong");
    });
    const rights = Object.values(made).filter((one) => one.right).length, count = Object.keys(made).length;
    details.classList.remove("waiting");
    details.open = true;
    button.hidden = true;
    forget.hidden = false;
    const verdict = own.right ? "Right." : "Not quite.";
    score.textContent = `${verdict} ${rights} of ${count} guess${count > 1 ? "es" : ""} right.`;
  };
  const take = () => {
    if (button.disabled || button.hidden) return;
    const made = guessesMade();
    made[id] ??= { said: said(), right: isRight(said()) };
    keepGuesses(made);
    reveal(made);
    details.querySelector("summary").focus({ preventScroll: true });
  };

  form.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  form.addEventListener("pointerdown", () => { pointed = true; });
  form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    pointed = false;
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    if (!event.repeat) take();
  });
  form.addEventListener("input", () => { button.disabled = !fits(); });
  form.addEventListener("change", (/** @type {Event} */ event) => {
    button.disabled = !fits();
    if (pointed && event.target instanceof HTMLInputElement && event.target.type === "radio") take();
  });
  button.addEventListener("click", take);
  forget.addEventListener("click", () => {
    keepGuesses({});
    close();
    inputs[0].focus({ preventScroll: true });
  });
  close();
  const made = guessesMade();
  if (made[id]) reveal(made);
}
