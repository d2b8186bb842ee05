// An event calls a step as its task does: what ends a deployment hands over, what ends a verification reports.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { sayEvents, triesOf } = await load("admin/service/words.ts");
const event = (kind, data) => ({ seq: 1, at: null, kind, data });

test("the last step is called by the operation that it ends", () => {
  const done = event("task.done", { task: 7, key: "live", node: "", ms: 3, changed: true });
  const says = (operation) => sayEvents([event("operation.started", { operation, nodes: [] }), done])[1].text;
  assert.match(says("deploy"), /^Hand over /);
  for (const operation of ["verify", "plan", "password"]) assert.match(says(operation), /^Report /);
  assert.match(sayEvents([event("task.done", { task: 8, key: "web.user", node: "web1", ms: 3, changed: true })])[0].text, /^Web user on web1 /);
});

test("a first try that runs is one", () => {
  assert.equal(triesOf({ attempts: 0, state: "running" }), 1);
  assert.equal(triesOf({ attempts: 2, state: "waiting" }), 2);
});
