// The twin of _mixtures.py: mixtures of Gaussians of one width, whose best denoiser is known exactly.

/** E[data | x] of points x = signal * data + sigma * noise in the plane.
 * @param {{means: number[][], std: number}} mixture Modes that weigh the same.
 * @param {number[]} x @param {number} signal @param {number} sigma @returns {number[]} */
function posteriorMean({ means, std }, x, signal, sigma) {
  const variance = (signal * std) ** 2 + sigma ** 2, pull = (signal * std ** 2) / variance;
  let most = -Infinity, whole = 0, left = 0, up = 0;
  for (const [a, b] of means) most = Math.max(most, -((x[0] - signal * a) ** 2 + (x[1] - signal * b) ** 2));
  for (const [a, b] of means) {
    const dx = x[0] - signal * a, dy = x[1] - signal * b, share = Math.exp((-dx * dx - dy * dy - most) / (2 * variance));
    whole += share;
    left += share * (a + pull * dx);
    up += share * (b + pull * dy);
  }
  return [left / whole, up / whole];
}

/** log of the sum over modes of exp(-|x - mean|^2 / (2 std^2)): a density but for a factor.
 * @param {{means: number[][], std: number}} mixture @param {number[]} x */
function logDensity({ means, std }, x) {
  const near = means.map(([a, b]) => -((x[0] - a) ** 2 + (x[1] - b) ** 2) / (2 * std ** 2));
  const most = Math.max(...near);
  return most + Math.log(near.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

/** The place of the mode that is nearest to a point.
 * @param {number[][]} means @param {number[]} x */
function nearestMode(means, x) {
  const far = means.map(([a, b]) => (x[0] - a) ** 2 + (x[1] - b) ** 2);
  return far.indexOf(Math.min(...far));
}
