// The twin of penalty.py: the smallest game, played by its slopes written out, where Python has autograd.

twin(({ rate, rounds, gammas, start, side, arrow, home }, first, { short, share }) => {
  const sigmoid = (/** @type {number} */ logit) => 1 / (1 + Math.exp(-logit));
  const push = (/** @type {number} */ theta, /** @type {number} */ psi) => psi * sigmoid(psi * theta);

  /** Both players at the start and after every round. @param {number} gamma */
  function game(gamma) {
    let [theta, psi] = start;
    const seen = [start];
    for (let i = 0; i < rounds; i++) {
      psi -= rate * (theta * sigmoid(psi * theta) + gamma * psi);
      theta += rate * push(theta, psi);
      seen.push([theta, psi]);
    }
    return seen;
  }
  const away = (/** @type {number} */ gamma) => game(gamma).map(([theta, psi]) => Math.hypot(theta, psi));
  const free = away(0), left = gammas.slice(1).map((/** @type {number} */ gamma) => away(gamma)[rounds]);

  /** How the game ends. @param {number} gamma @param {number[]} distances */
  function told(gamma, distances) {
    const under = gamma ? `With gamma ${short(gamma)}` : "Without the penalty", end = distances[rounds] / distances[0];
    let round = distances.length;
    while (round > 0 && distances[round - 1] < home * distances[0]) round--;
    return round < distances.length
      ? `${under} both are at rest, within ${share(home)} of the distance they began with, by round ${round}.`
      : `${under} ${share(end)} of the distance is left after ${rounds} rounds.`;
  }

  return ({ step, gamma }) => {
    const [theta, psi] = game(gamma)[step], distances = away(gamma), height = psi * theta;
    const [[plane, curves], [over]] = first.panels, [line, real, fake, pushed] = plane.shapes;
    const shapes = [
      { ...line, paths: [[[-side, -psi * side], [side, psi * side]]] }, real,
      { ...fake, paths: [[[theta, height]]] },
      { ...pushed, paths: [[[theta, height], [theta + arrow * push(theta, psi), height]]] },
    ];
    const series = [{ ...curves.series[0], label: `gamma ${short(gamma)}`, ys: distances }, { ...curves.series[1], ys: free }];
    return {
      ...first,
      panels: [
        [{ ...plane, shapes }, { ...curves, series, marker: step }],
        [{ ...over, series: [{ ...over.series[0], ys: left }], marker: gamma >= gammas[1] ? gamma : null }],
      ],
      caption: `After ${step} rounds the fake lies at ${short(theta, 2)} and D's slope is ${short(psi, 2)}. `
        + `${told(gamma, distances)} The penalty charges for D's slope. Too weak, D is still tilted when the `
        + "fake arrives and pushes it past; too strong, D hardly tilts and hardly pushes.",
      facts: { "fake, theta": theta, "slope of D, psi": psi, "distance": distances[step], "distance at the end": distances[rounds] },
    };
  };
});
