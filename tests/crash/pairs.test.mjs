// pairs.test.mjs - the selection leaves no pair out, and is smaller than everything.

import assert from "node:assert/strict";
import { test } from "node:test";
import { allPairs, combinations, pairsOf } from "./pairs.mjs";

const CASES = [
  { name: "three of two values", parameters: { a: [0, 1], b: [0, 1], c: [0, 1] }, most: 6 },
  { name: "the sizes of the crash matrix", parameters: { step: [...Array(18).keys()], moment: [0, 1, 2, 3], fault: [..."abcdefgh"] }, most: 160 },
  { name: "one value each", parameters: { a: ["x"], b: ["y"] }, most: 1 },
  {
    name: "combinations that there are not",
    parameters: { a: [0, 1, 2], b: [0, 1, 2], c: [0, 1, 2] },
    isPossible: ({ a, b }) => a !== b,
    most: 12,
  },
];

for (const { name, parameters, isPossible = () => true, most } of CASES)
  test(`every pair comes up: ${name}`, () => {
    const chosen = allPairs(parameters, isPossible);
    const wanted = new Set(combinations(parameters).filter(isPossible).flatMap(pairsOf));
    assert.deepEqual(new Set(chosen.flatMap(pairsOf)), wanted);
    assert.ok(chosen.every(isPossible));
    assert.ok(chosen.length <= most, `${chosen.length} combinations`);
    assert.deepEqual(allPairs(parameters, isPossible), chosen, "the same again");
  });
