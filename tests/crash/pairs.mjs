// pairs.mjs - all-pairs selection: of all combinations of some parameters, a few in which every pair of values of two parameters
// comes up at least once. Greedy: the next one is the combination that brings most pairs which nothing has brought so far; of
// several, the one whose pairs have come up least, so that no value is met by the same few all the time. The same parameters
// give the same selection.

/** Every combination: [{name: value, ...}], the last parameter turns quickest. @param parameters {name: [values]} */
export function combinations(parameters) {
  return Object.entries(parameters).reduce((all, [name, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))), [{}]);
}

/** The pairs that a combination has, as texts. */
export function pairsOf(combination) {
  const parts = Object.entries(combination).map(([name, value]) => `${name}=${value}`);
  return parts.flatMap((one, index) => parts.slice(index + 1).map((other) => `${one} ${other}`));
}

/** @param isPossible which combinations there are at all; a pair that none of them has need not come up */
export function allPairs(parameters, isPossible = () => true) {
  const left = combinations(parameters)
    .filter(isPossible)
    .map((combination) => ({ combination, pairs: pairsOf(combination) }));
  const seen = new Map(left.flatMap((each) => each.pairs.map((pair) => [pair, 0]))); // how often each pair has come up
  const gain = ({ pairs }) => pairs.filter((pair) => seen.get(pair) === 0).length;
  const used = ({ pairs }) => pairs.reduce((sum, pair) => sum + seen.get(pair), 0);
  const chosen = [];
  while ([...seen.values()].includes(0)) {
    const most = Math.max(...left.map(gain));
    const best = left.filter((each) => gain(each) === most).reduce((a, b) => (used(b) < used(a) ? b : a));
    for (const pair of best.pairs) seen.set(pair, seen.get(pair) + 1);
    chosen.push(best.combination);
  }
  return chosen;
}
