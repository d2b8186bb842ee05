// Trying again all that match a filter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { retryEach, retryStates } = await load("admin/pages/retry-all.ts");

test("only what failed or waits can be tried again", () => {
  assert.deepEqual(retryStates(""), ["failed", "waiting"]);
  assert.deepEqual(retryStates("waiting"), ["waiting"]);
  assert.deepEqual(retryStates("done"), []);
});

test("one that is refused does not stop the others", async () => {
  const seen = [];
  const retry = async (id) => {
    if (id === "2") throw new Error("it is over");
  };
  const result = await retryEach(["1", "2", "3"], retry, (error) => error.message, (n) => seen.push(n));
  assert.deepEqual(result, { done: 2, failed: [{ id: "2", sentence: "it is over" }] });
  assert.deepEqual(seen, [1, 2, 3]);
});
