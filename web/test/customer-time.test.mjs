// customer-time.test.mjs - times in the customer's words: coarse, honest, never flickering.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { agoWords, leftWords, momentWords, tookWords } = await load("customer/time.ts");

test("the time left is said as roughly as it is known", () => {
  for (const [seconds, words] of [
    [1, "a few seconds left"],
    [7.9, "a few seconds left"],
    [8, "about 10 seconds left"],
    [14, "about 15 seconds left"],
    [20, "about 20 seconds left"],
    [44, "about 40 seconds left"],
    [54, "about 50 seconds left"],
    [56, "about a minute left"],
    [89, "about a minute left"],
    [90, "about 2 minutes left"],
    [170, "about 3 minutes left"],
    [3500, "about an hour left"],
    [7300, "about 2 hours left"],
  ])
    assert.equal(leftWords(seconds * 1000, true), words, `${seconds} s`);
});

test("a guess is called one, and says no seconds", () => {
  assert.equal(leftWords(3000, false), "probably less than a minute left");
  assert.equal(leftWords(59000, false), "probably less than a minute left");
  assert.equal(leftWords(61000, false), "probably about a minute left");
  assert.equal(leftWords(170000, false), "probably about 3 minutes left");
});

test("an estimate that has passed is not counted on", () => {
  assert.equal(leftWords(0, true), "almost there");
  assert.equal(leftWords(-14000, true), "almost there");
  assert.equal(leftWords(-16000, true), "taking a little longer than usual");
});

test("how long a step took", () => {
  for (const [ms, words] of [
    [0, "0.1 s"],
    [1234, "1.2 s"],
    [9940, "9.9 s"],
    [9960, "10 s"],
    [59400, "59 s"],
    [59600, "1 min 0 s"],
    [125000, "2 min 5 s"],
  ])
    assert.equal(tookWords(ms), words, `${ms} ms`);
});

test("how long ago, and how long until then", () => {
  const now = Date.parse("2026-05-04T12:00:00Z");
  for (const [seconds, words] of [
    [0, "just now"],
    [-9, "just now"],
    [2, "just now"],
    [5, "in a moment"],
    [-21, "20 seconds ago"],
    [-58, "1 minute ago"],
    [200, "in 3 minutes"],
    [-3400, "1 hour ago"],
    [-90000, "1 day ago"],
  ])
    assert.equal(agoWords(now + seconds * 1000, now, "en"), words, `${seconds} s`);
});

test("a moment has its day only where that is another one", () => {
  const now = new Date(2026, 4, 4, 12, 0).getTime();
  assert.equal(momentWords(new Date(2026, 4, 4, 14, 35).getTime(), now, "en"), "14:35");
  assert.match(momentWords(new Date(2026, 4, 6, 0, 5).getTime(), now, "en"), /May 6.*00:05/);
});
