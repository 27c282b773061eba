// A quiz: one question at a time, the why after each answer, a score. A pointer answers with its click; keys walk
// through the choices, and Enter or the button answers.

/** @param {any} form */
function quiz(form) {
  const asks = all(".question", form);
  const linked = asks.findIndex((question) => `#${question.id}` === location.hash);
  const questions = [...asks.slice(Math.max(0, linked)), ...asks.slice(0, Math.max(0, linked))];
  const bar = form.querySelector(".progress i");
  const score = form.querySelector(".score");
  const button = make("button", { className: "button", type: "button" });
  let at = 0, right = 0, answered = false, pointed = false;
  form.querySelector(".progress").hidden = false;
  score.after(button);
  all("details", form).forEach((details) => details.remove());

  const reveal = (/** @type {any} */ label, /** @type {string} */ verdict) => {
    label.classList.add(label.dataset.right ? "right" : "wrong");
    const why = make("span", { className: "why" }, make("b", { textContent: `${verdict} ` }));
    why.append(label.querySelector("template").content.cloneNode(true));
    label.lastElementChild.append(why);
  };
  const show = () => {
    questions.forEach((question, i) => { question.hidden = i !== at; });
    answered = false;
    button.textContent = "Answer";
    button.disabled = !questions[at].querySelector("input:checked"); // a browser may remember one
    score.textContent = "";
    bar.style.width = `${(100 * at) / questions.length}%`;
  };
  const answer = () => {
    const question = questions[at], label = question.querySelector("input:checked").closest(".choice");
    all("input", question).forEach((input) => { input.disabled = true; });
    const good = Boolean(label.dataset.right);
    answered = true;
    right += good ? 1 : 0;
    reveal(label, good ? "Right." : "Not quite.");
    if (!good) reveal(question.querySelector("[data-right]"), "This one.");
    score.textContent = `${right} of ${at + 1} right`;
    button.textContent = at + 1 < questions.length ? "Next question" : "See the score";
    button.disabled = false;
    button.focus({ preventScroll: true }); // the question stays in sight
  };
  const finish = () => {
    asks.forEach((question) => { question.hidden = false; });
    bar.style.width = "100%";
    score.textContent = `${right} of ${questions.length} right. All questions with your answers stand above.`;
    button.hidden = true;
    score.scrollIntoView({ block: "center" });
  };
  const go = () => {
    if (!answered) return answer();
    at += 1;
    if (at >= questions.length) return finish();
    show();
    questions[at].querySelector("legend").focus();
  };
  form.addEventListener("pointerdown", () => { pointed = true; });
  form.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    pointed = false;
    if (event.key !== "Enter" || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    if (!event.repeat && !button.disabled) go();
  });
  form.addEventListener("change", () => {
    button.disabled = false;
    if (pointed) answer();
  });
  button.addEventListener("click", go);
  show();
}
