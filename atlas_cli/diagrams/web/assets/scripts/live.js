// Frames from the reader's own network, which a server of this machine draws with.

/** @param {string} address @returns {Answers} */
function liveAnswers(address) {
  return async (wanted) => {
    try {
      const reply = await fetch(address, { method: "POST", body: wanted, signal: AbortSignal.timeout(120000) });
      const told = await reply.json();
      return reply.ok ? { frame: told } : { error: told.error };
    } catch {
      return { error: "The atlas does not answer any more. Start its command again." };
    }
  };
}
