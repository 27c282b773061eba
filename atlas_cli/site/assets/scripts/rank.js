// What a query finds. An entry is [kind, address, title, where, other names, text]; the index of words is made
// once, when the box is first used. Words need not all be there, but each that is counts by how rare it is.

const FIELDS = [[2, 10], [4, 8], [3, 4], [5, 1]]; // place in an entry, and what a word found there counts
const KINDS = { page: 1.5, word: 1.4, diagram: 1, section: 0.9, question: 0.35, references: 0.1 };
const STOP_WORDS = new Set(("a about an and are as at be between by can do does for from how i in into is it its me my "
  + "of on or s so t than that the their them there these this to versus vs was what when where which who why will "
  + "with work works you your").split(" "));
const PREFIX = 0.5, EDITED = 0.4; // what a word counts that only begins so, or was misspelled
const SHORTEST_EDITED = 4; // below, one letter makes another word
const MOST_OF_A_PAGE = 3;

/** @param {string} text */
const fold = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();

/** The words of a text, and those with a hyphen as one as well: U-Net is u, net and unet.
 * @param {string} text */
function wordsOf(text) {
  const folded = fold(text);
  const joined = folded.match(/[\p{L}\p{N}]+(?:[-‐‑][\p{L}\p{N}]+)+/gu) ?? [];
  return [...folded.split(/[^\p{L}\p{N}]+/u).filter(Boolean), ...joined.map((word) => word.replace(/[-‐‑]/g, ""))];
}

/** The words of a query, without single letters and what every sentence has; all of them where nothing else is left.
 * @param {string} query */
function asked(query) {
  const words = [...new Set(wordsOf(query))];
  const telling = words.filter((word) => word.length > 1 && !STOP_WORDS.has(word));
  return telling.length ? telling : words;
}

/** From each word to the entries that have it, with what it counts there.
 * @param {string[][]} entries */
function makeIndex(entries) {
  /** @type {Map<string, Map<number, number>>} */
  const places = new Map();
  entries.forEach((entry, i) => {
    for (const [field, counts] of FIELDS) {
      for (const word of wordsOf(entry[field])) {
        let at = places.get(word);
        if (!at) places.set(word, (at = new Map()));
        // A word that a text repeats counts a little more, and never as much as one in the title.
        const before = at.get(i) ?? 0;
        at.set(i, counts === 1 ? (before ? before + 1 / (1 + before) ** 2 : 1) : Math.max(before, counts));
      }
    }
  });
  return { entries, places };
}

/** What each entry gets for one word: all of it for the word itself, some for one that begins with it.
 * @param {ReturnType<typeof makeIndex>} index @param {string} word @param {number} share */
function pointsOf({ entries, places }, word, share) {
  const points = new Map();
  const add = (/** @type {Map<number, number>} */ found, /** @type {number} */ of) => {
    const rarity = of * Math.log(1 + entries.length / found.size);
    for (const [i, counts] of found) points.set(i, Math.max(points.get(i) ?? 0, counts * rarity));
  };
  for (const [other, found] of places) {
    if (other === word) add(found, share);
    else if (word.length > 1 && other.startsWith(word)) add(found, share * PREFIX);
  }
  return points;
}

/** The word itself where it is known or begins one that is, else the commonest that is one letter off.
 * @param {ReturnType<typeof makeIndex>} index @param {string} word */
function spelled({ places }, word) {
  const known = [...places.keys()];
  if (word.length < SHORTEST_EDITED || known.some((other) => other.startsWith(word))) return word;
  const near = known.filter((other) => isOneEdit(word, other));
  return near.sort((a, b) => (places.get(b)?.size ?? 0) - (places.get(a)?.size ?? 0))[0] ?? word;
}

/** Words of a query that are nowhere, with those that are taken in their place.
 * @param {ReturnType<typeof makeIndex>} index @param {string} query */
function corrected(index, query) {
  return asked(query).map((word) => [word, spelled(index, word)]).filter(([given, taken]) => given !== taken);
}

/** Whether one letter more, less, or other, or two that changed places, make one word of the other.
 * @param {string} one @param {string} other */
function isOneEdit(one, other) {
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0, end = 0;
  while (start < one.length && one[start] === other[start]) start++;
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++;
  const [a, b] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  return Math.max(a.length, b.length) <= 1 || (a.length === 2 && b.length === 2 && a[0] === b[1] && a[1] === b[0]);
}

/** Entries that fit best, the best first.
 * @param {ReturnType<typeof makeIndex>} index @param {string} query @param {number} most */
function search(index, query, most) {
  const given = asked(query), words = given.map((word) => spelled(index, word)), phrase = words.join(" ");
  const found = new Map();
  for (const [n, word] of words.entries()) {
    for (const [i, points] of pointsOf(index, word, word === given[n] ? 1 : EDITED)) {
      const so = found.get(i) ?? { points: 0, words: 0 };
      found.set(i, { points: so.points + points, words: so.words + 1 });
    }
  }
  const ranked = [...found].map(([i, { points, words: hit }]) => {
    const [kind, , title, , names] = index.entries[i];
    const called = [title, ...names.split(" · ")].some((name) => asked(name).join(" ") === phrase);
    const share = hit / words.length;
    return { i, points: (points * share ** 2 * (share === 1 ? 1.5 : 1) + (called ? 120 : 0)) * KINDS[kind] };
  }).sort((a, b) => b.points - a.points || a.i - b.i);
  const ofPage = new Map();
  return ranked.filter(({ i }) => {
    const page = index.entries[i][1].split("#")[0], so = ofPage.get(page) ?? 0;
    ofPage.set(page, so + 1);
    return so < MOST_OF_A_PAGE;
  }).slice(0, most).map(({ i }) => index.entries[i]);
}
