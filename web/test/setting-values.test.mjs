// setting-values.test.mjs - what is typed into a setting, and what is sent for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { grouped, outOfRange, sentValue, shownValue } = await load("admin/setting-values.ts");
const setting = (type, more = {}) => ({ name: "a.b", type, unit: "", range: "", secret: false, set: false, help: "", ...more });

test("a number alone is sent as one, everything else as it was typed", () => {
  assert.equal(sentValue(setting("number"), " 20 "), 20);
  assert.equal(sentValue(setting("duration"), "1.5"), 1.5);
  assert.equal(sentValue(setting("duration"), "10 s"), "10 s");
  assert.equal(sentValue(setting("decimal"), "general"), "general");
  assert.equal(sentValue(setting("text"), "20"), "20");
  assert.equal(sentValue(setting("boolean"), false), false);
  assert.equal(sentValue(setting("number"), null), null, "the default again");
});

test("what an input shows", () => {
  assert.equal(shownValue(setting("number", { value: 0 })), "0");
  assert.equal(shownValue(setting("boolean", { value: true })), true);
  assert.equal(shownValue(setting("text", { secret: true })), "");
});

test("a number outside of its range is seen before it is sent", () => {
  const limits = setting("number", { min: 1, max: 10 });
  assert.deepEqual(["0", "1", "10", "11", "general", ""].map((text) => outOfRange(limits, text)), [true, false, false, true, false, false]);
});

test("settings stand in groups by the word before the dot", () => {
  assert.deepEqual(
    grouped(["retry.first", "ssh.connect", "retry.cap"].map((name) => setting("text", { name }))).map((group) => [group.name, group.settings.length]),
    [["retry", 2], ["ssh", 1]],
  );
});
