// customer-view.test.mjs - what the page makes of what berthd says: a bar that never moves back, each line of activity once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { currentStep, firstView, mergeActivity, nextDeadline, nextPercent, sceneOf, splitHeadline, withActivity, withState } = await load("customer/view.ts");

const state = (more) => ({ seq: 1, status: "deploying", percent: 0, eta: null, steps: [], activity: [], domain: "a.test", ...more });
const line = (seq) => ({ seq, at: "2026-05-04T12:00:00Z", text: `line ${seq}` });

test("the bar never moves back, even if the server were to say so", () => {
  let view = firstView(state({ percent: 30 }), 0);
  const seen = [];
  for (const percent of [35, 20, 36, 0, 36, 99]) {
    view = withState(view, state({ percent }), 0);
    seen.push(view.percent);
  }
  assert.deepEqual(seen, [35, 35, 36, 36, 36, 99]);
});

test("it stays where it is when the work stops and is tried again", () => {
  let view = firstView(state({ percent: 60 }), 0);
  view = withState(view, state({ status: "failed", percent: 60 }), 0);
  view = withState(view, state({ percent: 55 }), 0);
  assert.equal(view.percent, 60);
});

test("only a service that is ready has a full bar", () => {
  assert.equal(nextPercent(0, null, { status: "deploying", percent: 100 }), 99);
  assert.equal(nextPercent(99, "deploying", { status: "live", percent: 97 }), 100);
});

test("work that begins anew on a service that was ready begins at its own percent", () => {
  assert.equal(nextPercent(100, "live", { status: "deploying", percent: 4 }), 4);
});

test("who has had the control panel keeps it", () => {
  const panel = { web: null, mail: null, dns: null, ssl: null };
  for (const [status, has, scene] of [
    ["accepted", null, "splash"],
    ["deploying", null, "splash"],
    ["failed", null, "failed"],
    ["live", panel, "panel"],
    ["waiting", panel, "panel"],
    ["deploying", panel, "panel"],
    ["failed", panel, "panel"],
    ["suspended", null, "suspended"],
  ])
    assert.equal(sceneOf({ status, panel: has }), scene, `${status}, ${has ? "was live" : "never live"}`);
});

test("a percent that is none is no harm", () => {
  assert.equal(nextPercent(12, "deploying", { status: "deploying", percent: undefined }), 12);
  assert.equal(nextPercent(12, "deploying", { status: "deploying", percent: -5 }), 12);
});

test("activity: each line once, in order, the newest fifty", () => {
  const many = Array.from({ length: 60 }, (_, index) => line(index + 1));
  const merged = mergeActivity(many.slice(0, 40).reverse(), many.slice(20));
  assert.deepEqual(merged.map((each) => each.seq), many.slice(10).map((each) => each.seq));
});

test("a state without activity keeps what is known; numbers only grow", () => {
  let view = firstView(state({ seq: 5, activity: [line(4), line(5)] }), 0);
  view = withActivity(view, line(6));
  view = withActivity(view, line(6));
  const { activity, ...update } = state({ seq: 3 });
  view = withState(view, update, 0);
  assert.deepEqual(view.state.activity.map((each) => each.seq), [4, 5, 6]);
  assert.equal(view.state.seq, 6);
});

test("an estimate counts down by itself, and a near one does not make it jump", () => {
  const first = nextDeadline(null, { seconds: 20, sure: true }, 1000);
  assert.deepEqual(first, { at: 21000, sure: true });
  assert.equal(nextDeadline(first, { seconds: 17, sure: true }, 5000), first, "a second's difference is none");
  assert.deepEqual(nextDeadline(first, { seconds: 60, sure: true }, 5000), { at: 65000, sure: true });
  assert.deepEqual(nextDeadline(first, { seconds: 16, sure: false }, 5000), { at: 21000, sure: false }, "less sure is said");
  assert.deepEqual(nextDeadline(first, { seconds: 2, sure: true }, 21500), { at: 23500, sure: true }, "one that has passed is replaced");
  assert.equal(nextDeadline(first, null, 5000), null);
  assert.equal(nextDeadline(first, undefined, 5000), null);
});

test("the current step is what is worked on, else what is waited for", () => {
  const steps = ["done", "waiting", "working", "later"].map((each) => ({ key: each, text: each, state: each, took_ms: null }));
  assert.equal(currentStep(steps).key, "working");
  assert.equal(currentStep(steps.slice(0, 2)).key, "waiting");
  assert.equal(currentStep([]), null);
});

test("the domain in a headline is found, wherever it stands", () => {
  assert.deepEqual(splitHeadline("Setting up a.test", "a.test"), ["Setting up ", "a.test", ""]);
  assert.deepEqual(splitHeadline("a.test is ready", "a.test"), ["", "a.test", " is ready"]);
  assert.deepEqual(splitHeadline("Ready", "a.test"), ["Ready", "", ""]);
  assert.deepEqual(splitHeadline("Ready", ""), ["Ready", "", ""]);
});
