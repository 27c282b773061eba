// The frames of explorables/transformer/own_sentence.py, computed in the page's worker by the network of gpt.js.

const LIKELIEST = 8, LONGEST = 120, MOST_BITS = 8, MOST_WRITTEN = 40, SEED = 20260, TEMPERATURE = 0.5;
const BLANKS = /** @type {Record<string, string>} */ ({ " ": "·", "\n": "↵", "\t": "→" });

/** A byte as one sign: those that are no character of their own, as a cross.
 * @param {number} byte */
function glyphOf(byte) {
  const sign = String.fromCharCode(byte);
  return BLANKS[sign] ?? (byte > 32 && byte < 127 ? sign : "×");
}

/** @param {string} text */
function bytesOf(text) {
  return [...new TextEncoder().encode(text)].slice(0, LONGEST);
}

/** The bytes, and n that the network draws after them: the same draws as in Python, from Park and Miller's generator.
 * @param {GPT} network @param {number[]} bytes @param {number} n */
function writtenOn(network, bytes, n) {
  const text = [...bytes];
  let state = SEED;
  for (let i = 0; i < n; i++) {
    state = (state * 48271) % 2147483647;
    const p = softmax(network.reads(text)[text.length - 1].logits.map((logit) => logit / TEMPERATURE));
    let reached = 0, byte = 0;
    for (; byte < p.length - 1; byte++) {
      reached += p[byte];
      if (reached > state / 2147483647) break;
    }
    text.push(byte);
  }
  return text;
}

/** The panels, the caption and the figures of a setting.
 * @param {GPT} network @param {{text: string, written: number, asks: number, head: number}} setting */
function frameOf(network, { text, written, asks, head }) {
  const bytes = bytesOf(text);
  if (!bytes.length) throw new Error("There is no text to read.");
  const read = network.reads(writtenOn(network, bytes, written));
  const { n_layer, n_head } = network.config, length = read.length, glyphs = read.map(({ byte }) => glyphOf(byte));
  const at = roundEven((asks / 100) * (length - 1)), which = (head - 1) % (n_layer * n_head);
  const layer = Math.floor(which / n_head), within = which % n_head, row = [...read[at].weights[layer][within]];
  const bits = read.map(({ byte }, t) => (t ? -Math.log2(softmax(read[t - 1].logits)[byte]) : 0));
  const p = [...softmax(read[at].logits)];
  const likely = p.map((chance, byte) => ({ chance, glyph: glyphOf(byte) })).sort((a, b) => b.chance - a.chance).slice(0, LIKELIEST);
  const most = row.indexOf(Math.max(...row)), given = bytes.length;
  const percents = Array.from({ length: 101 }, (_, ask) => ask);
  const drag = [{ kind: "drag", knob: "asks", axis: "x", values: percents, at: percents.map((ask) => roundEven((ask / 100) * (length - 1))) }];
  const on = length > given ? `, and ${length - given} that it wrote` : "";
  const surprised = glyphs.map((glyph, t) => [glyph, Math.min(1, bits[t] / MOST_BITS), t ? bits[t].toFixed(1) : "-"]);
  // Later bytes are not seen yet.
  const listened = glyphs.map((glyph, t) => [glyph, (row[t] ?? 0) / Math.max(...row), (100 * (row[t] ?? 0)).toFixed(0)]);
  const hardest = bits.indexOf(Math.max(...bits));
  return {
    panels: [
      [{ kind: "tokens", title: `Your ${given} bytes${on}: bits of surprise at each`, tokens: surprised, drag, links: [] }],
      [{
        kind: "tokens", title: `Layer ${layer + 1}, head ${within + 1}: whom ${glyphs[at]}, byte ${at + 1}, listens to, %`,
        tokens: listened, drag, links: [],
      }],
      [{
        kind: "bars", title: `What it expects after ${glyphs[at]}, byte ${at + 1}`, labels: likely.map(({ glyph }) => glyph),
        values: likely.map(({ chance }) => chance), high: 1, drag: [], links: [],
      }],
    ],
    caption:
      `After byte ${at + 1} it expects ${likely[0].glyph} with ${percent(likely[0].chance)}, and this head looks back at ` +
      `${glyphs[most]}, byte ${most + 1}, with ${percent(row[most])} of its attention. It has read Python and nothing else. ` +
      `The network: ${network.told}, in eight bits.`,
    facts: {
      "bits a byte of the text": bits.slice(1, given).reduce((a, b) => a + b, 0) / Math.max(1, given - 1),
      "bytes written on": length - given,
      "hardest byte": length < 2 ? "none yet" : `${glyphs[hardest]}, byte ${hardest + 1}, ${bits[hardest].toFixed(1)} bits`,
    },
  };
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(0)}%`;
}

/** As Python rounds: a half to the even side.
 * @param {number} value */
function roundEven(value) {
  const low = Math.floor(value);
  return value - low === 0.5 ? low + (low % 2) : Math.round(value);
}
