// lib-live.test.mjs - a stream goes on where it was: after a lost connection, a refusal and a hidden tab.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { FakeSource, forget, hide, sources, watched } from "./fake-stream.mjs";
import { load } from "./load.mjs";

const { coalesce, live } = await load("lib/live.ts");

beforeEach(forget);

test("what is heard goes to who wants it; a refusal is asked again from the last event, with growing pauses", () => {
  const heard = [];
  let resyncs = 0;
  const stream = live("/x?a=1", { on: { event: (data) => heard.push(data.n) }, from: "after", start: 3, resync: () => resyncs++ });
  assert.equal(sources[0].url, "/x?a=1&after=3");
  sources[0].open();
  sources[0].say("event", { n: 1 }, "7");
  assert.deepEqual(heard, [1]);
  assert.equal(resyncs, 0, "the first time nothing was missed");
  sources[0].refuse();
  mock.timers.tick(999);
  assert.equal(sources.length, 1);
  mock.timers.tick(1);
  assert.equal(sources[1].url, "/x?a=1&after=7");
  assert.equal(resyncs, 1);
  sources[1].refuse();
  mock.timers.tick(1999);
  assert.equal(sources.length, 2);
  mock.timers.tick(1);
  assert.equal(sources.length, 3);
  stream.close();
  assert.equal(watched(), 0);
  sources[2].refuse();
  mock.timers.tick(60000);
  assert.equal(sources.length, 3, "closed is closed");
});

test("a hidden tab hears nothing after a while, and goes on when it is looked at", () => {
  let resyncs = 0;
  live("/x", { on: { event: () => {} }, from: "after", resync: () => resyncs++ });
  sources[0].open();
  sources[0].say("event", {}, "4");
  hide(true);
  mock.timers.tick(4000);
  hide(false);
  assert.equal(sources.length, 1, "a glance elsewhere closes nothing");
  assert.equal(resyncs, 0);
  hide(true);
  mock.timers.tick(5000);
  assert.equal(sources[0].readyState, FakeSource.CLOSED);
  hide(false);
  assert.equal(sources[1].url, "/x?after=4");
  assert.equal(resyncs, 1);
});

test("a stream of hints has no past: each time that it opens, things are looked at again", () => {
  let resyncs = 0;
  live("/x", { on: {}, resync: () => resyncs++ });
  sources[0].open();
  assert.equal(resyncs, 1);
  sources[0].open();
  assert.equal(resyncs, 2);
});

test("many hints make few questions", () => {
  let runs = 0;
  const hint = coalesce(() => runs++, 1000);
  for (let i = 0; i < 10; i++) hint();
  mock.timers.tick(0);
  assert.equal(runs, 1);
  hint.cancel();
});
