// lib-time.test.mjs - moments and lengths of time in the staff's words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { ago, between, duration } = await load("lib/time.ts");
const NOW = Date.parse("2026-11-28T12:00:00Z");
const after = (seconds) => new Date(NOW + seconds * 1000).toISOString();

test("how long ago, and in how long", () => {
  for (const [seconds, words] of [
    [0, "now"],
    [-1, "1 second ago"],
    [-59, "59 seconds ago"],
    [-60, "1 minute ago"],
    [-3600 * 23, "23 hours ago"],
    [-86400, "yesterday"],
    [-86400 * 400, "last year"],
    [20, "in 20 seconds"],
    [3600 * 2, "in 2 hours"],
  ])
    assert.equal(ago(after(seconds), NOW), words, `${seconds} s`);
  assert.equal(ago(null, NOW), "");
  assert.equal(ago("nonsense", NOW), "");
});

test("how long it takes", () => {
  for (const [ms, words] of [
    [0, "0 ms"],
    [340, "340 ms"],
    [4200, "4.2 s"],
    [9960, "10 s"],
    [59600, "1 min"],
    [200000, "3 min 20 s"],
    [7500000, "2 h 5 min"],
    [86400000 * 3 + 3600000 * 4, "3 d 4 h"],
    [null, ""],
  ])
    assert.equal(duration(ms), words, `${ms} ms`);
  assert.equal(between(after(-5), null, NOW), 5000);
  assert.equal(between(after(-5), after(-3), NOW), 2000);
  assert.equal(between(null, null, NOW), null);
});
