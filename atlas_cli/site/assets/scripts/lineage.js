// The map: pointing at a topic lights what it comes from and what came of it.

/** @param {any} map */
function lineage(map) {
  const edges = all(".edge", map).map((path) => ({ path, from: path.dataset.from, to: path.dataset.to }));
  const follow = (/** @type {string} */ start, /** @type {"from" | "to"} */ near, /** @type {"from" | "to"} */ far) => {
    const seen = new Set([start]);
    const paths = [];
    for (const name of seen) {
      for (const edge of edges.filter((other) => other[near] === name)) {
        paths.push(edge.path);
        seen.add(edge[far]);
      }
    }
    return { seen, paths };
  };
  const trace = (/** @type {string} */ name) => {
    const before = follow(name, "to", "from");
    const after = follow(name, "from", "to");
    all(".lit", map).forEach((node) => node.classList.remove("lit"));
    map.classList.toggle("tracing", Boolean(name));
    if (!name) return;
    [...before.paths, ...after.paths].forEach((path) => path.classList.add("lit"));
    all(".topic", map).forEach((topic) =>
      topic.classList.toggle("lit", before.seen.has(topic.dataset.topic) || after.seen.has(topic.dataset.topic)));
  };
  for (const topic of all(".topic", map)) {
    for (const event of ["mouseenter", "focus"]) topic.addEventListener(event, () => trace(topic.dataset.topic));
    for (const event of ["mouseleave", "blur"]) topic.addEventListener(event, () => trace(""));
  }
}
