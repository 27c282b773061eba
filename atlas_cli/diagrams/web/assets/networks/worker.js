// What a page's worker does: it makes a network of the first message, and a frame of every later one.

/** @type {Promise<GPT> | undefined} */
let made;

self.onmessage = async ({ data }) => {
  made ??= unpackWeights(data.network).then((weights) => {
    const { recipe, seed, date } = data.network.origin;
    return new GPT(data.network.config, weights, `${recipe}, seed ${seed}, trained on ${date}`);
  });
  try {
    const network = await made;
    if (data.setting) self.postMessage({ frame: frameOf(network, data.setting) });
    else if (data.bytes) self.postMessage({ logits: network.reads(data.bytes).map((read) => [...read.logits]) });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
