// An explorable: its knobs, and the frame of where they stand. A knob's place is that of its value in the knob's
// list, or a text of the reader's own.

/** @param {any} figure @param {any} data */
async function explorable(figure, { knobs, at, packed, told: twinTold, loops, plays, live, network, megabytes, first }) {
  const place = placesInAddress(figure, knobs, at);
  const valueOf = (/** @type {number} */ i) => (typeof place[i] === "string" ? place[i] : knobs[i].values[place[i]]);
  /** @type {Own} */
  const own = {};
  const answers = network ? networkAnswers(network, megabytes) : live && liveAnswers(live);
  const { frameOf, scales } = answers
    ? askedFrames(knobs, valueOf, answers, () => ask(), first, at)
    : twinTold ? await twinFrames(knobs, figure.atlasTwin, twinTold, own) : await packedFrames(knobs, packed);
  const find = (/** @type {string} */ selector) => /** @type {any} */ (figure.querySelector(selector));
  const room = find(".panels");
  const told = makeAddress(figure, knobs, valueOf, own);
  let drawing = 0, speaking = 0, width = 0;
  /** What turns each knob: its slider follows.
   * @type {((to: number) => void)[]} */
  const turns = [];
  const stage = makeStage(figure, room, () => {
    markLinks();
    if (!loops) holdHeight();
  });
  const say = (/** @type {string} */ text) => { find(".spoken").textContent = text; };
  const markLinks = makeLinked(room, stage.panels, (text) => {
    clearTimeout(speaking);
    say(text);
  });
  makeSeizable(room, knobs, stage.panels, (i, to) => turns[i](to), (i) => place[i]);
  const setting = () => Object.fromEntries(knobs.map((knob, i) => [knob.name, valueOf(i)]));
  const offer = twinTold ? makeOwn(figure, room, stage.panels, own, setting, () => {
    told();
    ask();
  }) : () => {};
  const readOwn = () => {
    for (const name of Object.keys(own)) delete own[name];
    Object.assign(own, twinTold && ownInAddress(figure, knobs, frameOf(place).panels.flat()));
  };

  function draw() {
    drawing = 0;
    const frame = frameOf(place);
    if (!frame) return; // the first of a network's frames is not there yet
    const { panels, caption, facts } = frame;
    knobs.forEach((knob, i) => {
      const output = find(`[data-knob="${knob.name}"] output`);
      const value = valueOf(i), said = `${tell(value, Number.isInteger(value) ? 15 : 3)}${knob.unit ? " " + knob.unit : ""}`;
      if (!output) return; // a choice shows its value itself
      output.textContent = said;
      find(`[data-knob="${knob.name}"] input`).setAttribute("aria-valuetext", said);
    });
    const ranges = panels.map((row, r) => row.map((panel, c) => scales(place, r, c, panel)));
    stage.show({ panels, ranges }, !room.classList.contains("in-hand")); // what is held follows the hand
    offer();
    const figures = Object.entries(facts).map(([name, value]) => [name, tell(value, 3)]);
    find(".facts").replaceChildren(...figures.map(([name, value]) => {
      const pair = element("div");
      pair.append(element("dt", name), element("dd", value));
      return pair;
    }));
    find(".caption").textContent = caption;
    // What is said aloud waits until the knob rests.
    clearTimeout(speaking);
    speaking = setTimeout(() => say(`${caption} ${figures.map((pair) => pair.join(" ")).join(", ")}`), 700);
  }

  // Nothing below moves while a knob turns: the panels keep the greatest height that they had at this width.
  function holdHeight() {
    if (width !== room.clientWidth) room.style.minHeight = "";
    width = room.clientWidth;
    const drawn = room.lastElementChild.getBoundingClientRect().bottom - room.getBoundingClientRect().top;
    room.style.minHeight = `${Math.max(parseFloat(room.style.minHeight) || 0, drawn)}px`;
  }

  const ask = () => { drawing ||= requestAnimationFrame(draw); };
  knobs.forEach((knob, i) => {
    const control = find(`[data-knob="${knob.name}"]`);
    control.addEventListener("input", (/** @type {any} */ event) => {
      player?.stop();
      const typed = event.target.type === "text";
      if (typed) {
        for (const button of control.querySelectorAll("input:checked")) button.checked = false;
      }
      place[i] = typed ? event.target.value : Number(event.target.value);
      told();
      if (place[i] !== "") ask();
    });
    const button = control.querySelector(".play"), input = control.querySelector("input");
    const last = knob.values.length - 1;
    const move = (/** @type {number} */ to) => {
      place[i] = to;
      if (knob.kind === "choice") control.querySelectorAll("input")[to].checked = true;
      else input.value = to;
      ask();
    };
    turns[i] = (to) => {
      player?.stop();
      move(to);
      told();
    };
    if (place[i] !== at[i]) move(place[i]); // the address says so
    const pace = calm.matches ? 900 : Math.max(twinTold ? 33 : 90, Math.min(700, 7000 / last)); // a twin has all that lies between
    const stride = Math.ceil((last * pace) / (calm.matches ? 90000 : 9000)); // a knob with many values takes some at once
    const player = button && makePlayer(button, loops ? swing(() => place[i], last, move, pace) : () => {
      if (place[i] < last) move(Math.min(place[i] + stride, last));
      return place[i] < last && pace;
    });
    if (loops) playInSight(figure, player);
    else player?.before(() => place[i] === last && move(0));
    if (plays && player && knob.kind === "play" && place[i] === at[i] && !calm.matches) playOnce(figure, () => move(0), player);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", stage.again);
  document.addEventListener("atlas-theme", stage.again);
  addEventListener("resize", ask);
  addEventListener("hashchange", () => { // a link on the same page
    placesInAddress(figure, knobs, place).forEach((to, i) => { if (to !== place[i]) turns[i](to); });
    if (location.hash.startsWith(`#${figure.id}?`)) readOwn();
    ask();
  });
  readOwn();
  draw();
}

/** To the end and back, with a rest at both.
 * @param {() => number} at @param {number} last @param {(to: number) => void} move @param {number} pace */
function swing(at, last, move, pace) {
  let way = 1;
  return () => {
    if (at() >= last) way = -1;
    else if (at() <= 0) way = 1;
    move(at() + way);
    return at() <= 0 || at() >= last ? 1600 : pace;
  };
}

/** Plays by itself while it is seen, until the reader takes over; never where motion is not wanted.
 * @param {HTMLElement} figure @param {{start: () => void, stop: () => void}} player */
function playInSight(figure, player) {
  if (calm.matches) return;
  const watcher = new IntersectionObserver(([entry]) => (entry.isIntersecting ? player.start() : player.stop()), { threshold: 0.6 });
  watcher.observe(figure);
  for (const event of ["pointerdown", "keydown"]) figure.addEventListener(event, () => watcher.disconnect());
}

/** Plays once, from the beginning, when its panels are seen, unless the reader takes over before.
 * @param {HTMLElement} figure @param {() => void} rewind @param {{start: () => void, stop: () => void}} player */
function playOnce(figure, rewind, player) {
  const watcher = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    watcher.disconnect();
    player.start();
  }, { threshold: 0.25 });
  watcher.observe(/** @type {Element} */ (figure.querySelector(".panels")));
  for (const event of ["pointerdown", "keydown"]) figure.addEventListener(event, () => watcher.disconnect());
  rewind();
}
