// Bars, tokens and words.

/** @param {any} panel */
function drawBars({ labels, values, high }) {
  const list = element("ul", "", "bars");
  labels.forEach((label, i) => {
    const item = part(element("li"), i), track = element("span", "", "track"), bar = element("span", "", "bar");
    bar.style.width = `${Math.min(Math.max((100 * values[i]) / high, 0), 100)}%`;
    track.append(bar);
    item.append(element("span", label, "name"), track, element("span", tell(values[i], 3), "amount"));
    list.append(item);
  });
  return [list];
}

/** @param {any} panel */
function drawTokens({ tokens, own }) {
  const line = element("p", "", "tokens");
  tokens.forEach(([text, weight, note], i) => {
    const token = part(element("span", "", "token"), i), word = element("span", text.replace(/\n/g, "↵") || " ", "word");
    token.style.setProperty("--weight", Math.min(Math.max(weight, 0), 1));
    token.append(word, element("small", note));
    line.append(token, " ");
  });
  if (own?.press) line.classList.add("pressable");
  return [line, own?.hint && element("p", own.hint, "hint")];
}

/** One of several parts of a panel, which links.js lights.
 * @param {any} box @param {number} i */
function part(box, i) {
  box.dataset.part = i;
  return box;
}

/** @param {any} panel */
function drawWords({ lines }) {
  return [element("div", lines.join("\n"), "words")];
}
