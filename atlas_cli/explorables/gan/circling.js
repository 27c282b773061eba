// The twin of circling.py: the smallest GAN, moved by four rules. Its slopes are written out where Python's are autograd's.

twin(({ rules, gamma, start, last, edge, places, arrow }, first, { short }) => {
  const sigmoid = (/** @type {number} */ logit) => 1 / (1 + Math.exp(-logit));
  const away = (/** @type {number[]} */ [theta, psi]) => Math.hypot(theta, psi);

  /** Downhill for G along theta and for D along psi. @param {number[]} state @param {string} loss @param {number} penalty */
  function pull([theta, psi], loss, penalty) {
    const fake = sigmoid(psi * theta); // D of the fake
    const forG = loss === "Wasserstein" ? 1 : loss === "min-max" ? fake : 1 - fake, forD = loss === "Wasserstein" ? 1 : fake;
    return [forG * psi, -forD * theta - penalty * psi];
  }

  /** @param {number[]} state @param {string} rule @param {string} loss @param {number} size */
  function turnOnce([theta, psi], rule, loss, size) {
    let way = pull([theta, psi], loss, rule === "R1" ? gamma : 0);
    if (rule === "alternating") way = [pull([theta, psi + size * way[1]], loss, 0)[0], way[1]];
    if (rule === "extragradient") way = pull([theta + size * way[0], psi + size * way[1]], loss, 0);
    return [theta + size * way[0], psi + size * way[1]];
  }

  /** @param {string} rule @param {string} loss @param {number} size */
  function path(rule, loss, size) {
    const states = [start];
    while (states.length <= last) {
      const state = turnOnce(states[states.length - 1], rule, loss, size);
      if (Math.max(...state.map(Math.abs)) > edge) break;
      states.push(state);
    }
    return states;
  }

  return ({ turn, rule, size, loss }) => {
    const walked = path(rule, loss, size), now = walked[Math.min(turn, walked.length - 1)], gone = turn >= walked.length;
    const [[plane, curves]] = first.panels, [pulls, line, dots, players, balance] = plane.shapes;
    const arrows = places.map((/** @type {number[]} */ place) => {
      const way = pull(place, loss, rule === "R1" ? gamma : 0);
      return [place, [place[0] + arrow * way[0], place[1] + arrow * way[1]]];
    });
    const far = walked.slice(0, turn + 1);
    const shapes = [
      { ...pulls, paths: arrows }, { ...line, paths: [far] }, { ...dots, paths: [far.slice(0, -1)] },
      { ...players, paths: [far.slice(-1)] }, balance,
    ];
    const series = Object.keys(rules).map((name, i) => {
      const states = path(name, loss, size);
      return { ...curves.series[i], xs: [...states.keys()], ys: states.map(away), style: name === rule ? "line" : "dashed" };
    });
    const leave = `t turn ${walked.length} they leave the picture`;
    const said = gone ? `A${leave}` : `After ${turn} ${turn === 1 ? "turn" : "turns"} they stand ${short(away(now), 3)} from the balance`;
    const stay = () => turn === last ? "" : `, after ${last} turns ${short(away(walked[last]), 3)}`;
    const end = walked.length > last ? stay() : gone ? "" : `, and a${leave}`;
    return {
      ...first,
      panels: [[{ ...plane, shapes }, { ...curves, series, marker: turn }]],
      caption: `${rules[rule]} With the ${loss} loss and steps of ${short(size)} they begin 1 from the balance, where the fake `
        + `is real and D is flat. ${said}${end}. Near the balance the losses pull across the way to it, not along it.`,
      facts: { theta: now[0], psi: now[1], distance: away(now), "turns within the picture": walked.length - 1 },
    };
  };
});
