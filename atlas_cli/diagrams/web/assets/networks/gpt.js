// A GPT in a page, written out: bytes in, logits out, one byte at a time, with what it keeps of those before.
// The same network in Python, to be read beside it: systems/transformer/gpt.py and nets/attention.py. Vectors are
// Float32Arrays; a matrix holds its rows one after the other. Runs in a worker, from the weights of a pinned network.

/** @typedef {{rows: number, columns: number, values: Float32Array}} Matrix */
/** What one layer keeps: for each byte read a key and a value of all heads.
 * @typedef {{keys: Float32Array[], values: Float32Array[]}} Kept */
/** After one byte: what the network expects next, and how each head of each layer spread its attention.
 * @typedef {{byte: number, logits: Float32Array, weights: Float32Array[][]}} Read */

/** The matrices of a pinned network by name: whole numbers of eight bits times the factor of their row.
 * @param {{tensors: [string, number, number][], numbers: string, factors: string}} network
 * @returns {Promise<Map<string, Matrix>>} */
async function unpackWeights({ tensors, numbers, factors }) {
  const raw = (/** @type {string} */ text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const inflated = new Blob([raw(numbers)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const whole = new Int8Array(await new Response(inflated).arrayBuffer());
  const factor = new Float32Array(raw(factors).buffer);
  const matrices = new Map();
  let row = 0, start = 0;
  for (const [name, rows, columns] of tensors) {
    const values = new Float32Array(rows * columns);
    for (let i = 0; i < values.length; i++) values[i] = whole[start + i] * factor[row + Math.floor(i / columns)];
    matrices.set(name, { rows, columns, values });
    row += rows;
    start += values.length;
  }
  return matrices;
}

/** y = W x
 * @param {Matrix} matrix @param {Float32Array} x */
function times({ rows, columns, values }, x) {
  const y = new Float32Array(rows);
  for (let i = 0, k = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += values[k++] * x[j];
    y[i] = sum;
  }
  return y;
}

/** RMSNorm: x over its root mean square, each channel times its weight.
 * @param {Float32Array} x @param {Matrix} weight */
function norm(x, weight) {
  const square = x.reduce((sum, v) => sum + v * v, 0) / x.length;
  const scale = 1 / Math.sqrt(square + 1e-5);
  return x.map((v, i) => v * scale * weight.values[i]);
}

/** @param {Float32Array} x @param {Float32Array} y */
function added(x, y) {
  return x.map((v, i) => v + y[i]);
}

/** Turns each pair of channels of every head by its angle, so that a score tells how far apart two bytes are.
 * @param {Float32Array} x @param {number} position @param {number} width Of a head. @param {number} base */
function rotate(x, position, width, base) {
  const turned = new Float32Array(x.length), half = width / 2;
  for (let start = 0; start < x.length; start += width) {
    for (let i = 0; i < half; i++) {
      const angle = position * base ** (-i / half), cos = Math.cos(angle), sin = Math.sin(angle);
      const first = x[start + i], second = x[start + i + half];
      turned[start + i] = first * cos - second * sin;
      turned[start + i + half] = second * cos + first * sin;
    }
  }
  return turned;
}

/** @param {ArrayLike<number>} scores */
function softmax(scores) {
  const exact = Float64Array.from(scores), highest = exact.reduce((a, b) => Math.max(a, b));
  const powers = exact.map((score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

class GPT {
  /** @param {any} config @param {Map<string, Matrix>} weights @param {string} told Where it is from. */
  constructor(config, weights, told) {
    this.config = config;
    this.told = told;
    this.weights = weights;
    this.headWidth = config.d_model / config.n_head;
    /** @type {Kept[]} */
    this.caches = Array.from({ length: config.n_layer }, () => ({ keys: [], values: [] }));
    /** @type {Read[]} */
    this.read = [];
  }

  /** @param {string} name @returns {Matrix} */
  matrix(name) {
    const found = this.weights.get(name);
    if (!found) throw new Error(`the network has no ${name}`);
    return found;
  }

  /** Reads the bytes: of those that it has read before, the beginning that they share is not read again.
   * @param {number[]} bytes @returns {Read[]} */
  reads(bytes) {
    let same = 0;
    while (same < bytes.length && this.read[same]?.byte === bytes[same]) same++;
    this.read.length = same;
    for (const cache of this.caches) cache.keys.length = cache.values.length = same;
    for (const byte of bytes.slice(same)) this.read.push(this.extend(byte));
    return this.read;
  }

  /** One more byte: every layer lets it look back, then think for itself; both are added to what was there.
   * @param {number} byte @returns {Read} */
  extend(byte) {
    const { d_model, n_layer } = this.config, table = this.matrix("embed.weight");
    const weights = [];
    let x = table.values.slice(byte * d_model, (byte + 1) * d_model);
    for (let layer = 0; layer < n_layer; layer++) {
      const name = (/** @type {string} */ part) => `blocks.${layer}.${part}.weight`;
      const looked = this.attend(norm(x, this.matrix(name("mixing_norm"))), layer);
      x = added(x, looked.answer);
      x = added(x, this.think(norm(x, this.matrix(name("feed_forward_norm"))), name));
      weights.push(looked.weights);
    }
    return { byte, logits: times(this.matrix("head.weight"), norm(x, this.matrix("final_norm.weight"))), weights };
  }

  /** Attention: the query of this byte against the keys of all so far, and their values by how well they fit.
   * @param {Float32Array} x @param {number} layer */
  attend(x, layer) {
    const { n_head, rope_base } = this.config, width = this.headWidth, { keys, values } = this.caches[layer];
    const project = (/** @type {string} */ part) => times(this.matrix(`blocks.${layer}.mixing.${part}.weight`), x);
    const position = keys.length, q = rotate(project("q_proj"), position, width, rope_base);
    keys.push(rotate(project("k_proj"), position, width, rope_base));
    values.push(project("v_proj"));
    const mixed = new Float32Array(q.length), weights = [];
    for (let head = 0; head < n_head; head++) {
      const from = head * width;
      const scores = keys.map((key) => {
        let sum = 0;
        for (let i = from; i < from + width; i++) sum += q[i] * key[i];
        return sum / Math.sqrt(width);
      });
      const shares = softmax(scores);
      values.forEach((value, at) => {
        for (let i = from; i < from + width; i++) mixed[i] += shares[at] * value[i];
      });
      weights.push(Float32Array.from(shares));
    }
    return { answer: times(this.matrix(`blocks.${layer}.mixing.out_proj.weight`), mixed), weights };
  }

  /** SwiGLU: down(silu(gate x) * up x).
   * @param {Float32Array} x @param {(part: string) => string} name */
  think(x, name) {
    const gate = times(this.matrix(name("feed_forward.gate")), x), up = times(this.matrix(name("feed_forward.up")), x);
    return times(this.matrix(name("feed_forward.down")), gate.map((v, i) => (v / (1 + Math.exp(-v))) * up[i]));
  }
}
