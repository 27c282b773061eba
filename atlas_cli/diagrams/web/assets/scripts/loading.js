// Only where other files are at hand: on the site.

/** By a script, since a page that was opened as a file may fetch nothing.
 * @param {string} address @returns {Promise<Computing>} */
function loadComputing(address) {
  return new Promise((resolve, reject) => {
    const script = element("script");
    /** @type {any} */ (window).atlasNetwork = resolve;
    script.onerror = reject;
    script.src = address;
    document.head.append(script);
  });
}
