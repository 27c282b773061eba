// Bars, tokens and words.

/** @param {any} panel */
function drawBars({ labels, values, high }) {
  const list = element("ul", "", "bars");
  labels.forEach((label, i) => {
    const item = element("li"), track = element("span", "", "track"), bar = element("span", "", "bar");
    bar.style.width = `${Math.min(Math.max((100 * values[i]) / high, 0), 100)}%`;
    track.append(bar);
    item.append(element("span", label, "name"), track, element("span", tell(values[i], 3), "amount"));
    list.append(item);
  });
  return [list];
}

/** @param {any} panel */
function drawTokens({ tokens }) {
  const line = element("p", "", "tokens");
  for (const [text, weight, note] of tokens) {
    const token = element("span", "", "token"), word = element("span", text.replace(/\n/g, "↵") || " ", "word");
    token.style.setProperty("--weight", Math.min(Math.max(weight, 0), 1));
    token.append(word, element("small", note));
    line.append(token, " ");
  }
  return [line];
}

/** @param {any} panel */
function drawWords({ lines }) {
  return [element("div", lines.join("\n"), "words")];
}
