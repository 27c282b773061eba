// Frames from a network that the page itself computes with, in a worker; its weights are loaded when it is first asked.

/** @typedef {{source: string, network: any}} Computing What a worker runs, and the weights that it is given. */

/** @param {string | Computing} network The script that holds it, or itself.
 * @param {number} megabytes @returns {Answers} */
function networkAnswers(network, megabytes) {
  /** @type {Worker | undefined} */
  let worker;
  return async (wanted, say) => {
    try {
      if (!worker) {
        say(`Loading the network: ${megabytes} MB, once.`);
        worker = startWorker(typeof network === "string" ? await loadComputing(network) : network);
      }
      return await answerOf(worker, { setting: JSON.parse(wanted) });
    } catch {
      return { error: "The network could not be loaded." };
    }
  };
}

/** From its source, since a page that was opened as a file may load no worker.
 * @param {Computing} computing */
function startWorker({ source, network }) {
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  worker.postMessage({ network });
  return worker;
}

/** @param {Worker} worker @param {any} question @returns {Promise<any>} */
function answerOf(worker, question) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(question);
  });
}
