// pairs.mjs - all-pairs selection: of all combinations of some parameters, a few in which every pair of values of two parameters
// comes up at least once. Greedy: the next one is the combination that brings most pairs which nothing has brought so far. The
// same parameters give the same selection.

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
  const missing = new Set(left.flatMap((each) => each.pairs));
  const chosen = [];
  const gain = (each) => each.pairs.filter((pair) => missing.has(pair)).length;
  while (missing.size > 0) {
    const best = left.reduce((a, b) => (gain(b) > gain(a) ? b : a));
    for (const pair of best.pairs) missing.delete(pair);
    chosen.push(best.combination);
  }
  return chosen;
}
