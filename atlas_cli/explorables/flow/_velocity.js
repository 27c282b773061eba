// The twin of _velocity.py: paths between noise and a mixture, and the best velocity along them.

/** Shares of data and noise in x_t, and their rates of change.
 * @param {number} t @param {string} path */
function schedule(t, path) {
  if (path === "straight") return [t, 1 - t, 1, -1];
  const rate = Math.PI / 2, angle = t * rate;
  return [Math.sin(angle), Math.cos(angle), rate * Math.cos(angle), -rate * Math.sin(angle)];
}

/** E[dx_t / dt | x_t = x].
 * @param {{means: number[][], std: number}} mixture @param {number[]} x @param {number} t @param {string} path */
function velocity(mixture, x, t, path) {
  const [signal, sigma, signalRate, sigmaRate] = schedule(t, path);
  if (sigma < 1e-6) return x.map((v) => signalRate * v); // the noise behind pure data is zero on average
  const data = posteriorMean(mixture, x, signal, sigma);
  return data.map((v, i) => signalRate * v + (sigmaRate * (x[i] - signal * v)) / sigma);
}
