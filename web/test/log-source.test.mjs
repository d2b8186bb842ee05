// log-source.test.mjs - a log goes on behind the last byte that is there: after a lost connection, a hidden tab, and a refusal.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { FakeSource, forget, hide, sources, watched } from "./fake-stream.mjs";
import { load } from "./load.mjs";

const { LogModel } = await load("admin/service/log-model.ts");
const { followLog } = await load("admin/service/log-source.ts");

beforeEach(forget);

function follow() {
  const model = new LogModel();
  const states = [];
  const stop = followLog("7")(model, { changed: () => {}, state: (state) => states.push(state), ended: (how) => states.push(how.outcome) });
  return { model, states, stop };
}

const at = "2026-01-02T03:04:05.678Z";
const say = (source, offset, text) => source.say("log", { offset, chunks: [{ offset, at, stream: "stdout", text }], next_offset: offset + text.length });
const offset = (source) => new URL(source.url, "http://x").searchParams.get("offset");

test("a tab that was hidden for a while goes on where it was, with no line lost or twice", () => {
  const { model, states, stop } = follow();
  sources[0].open();
  say(sources[0], 0, "one\ntwo\n");
  hide(true);
  mock.timers.tick(4000);
  hide(false);
  assert.equal(sources.length, 1, "a glance elsewhere ends nothing");
  hide(true);
  mock.timers.tick(5000);
  assert.equal(sources[0].readyState, FakeSource.CLOSED);
  mock.timers.tick(60000);
  assert.equal(sources.length, 1, "nobody looks");
  hide(false);
  assert.equal(offset(sources[1]), "8");
  sources[1].open();
  say(sources[1], 4, "two\nthree\n");
  assert.deepEqual(model.texts, ["one", "two", "three"]);
  sources[1].say("end", { outcome: "done" });
  assert.deepEqual(states.slice(-2), ["ended", "done"]);
  assert.equal(watched(), 0);
  stop();
});

test("a lost connection is taken up behind the last byte; a gap is asked for again", () => {
  const { model, states, stop } = follow();
  sources[0].open();
  say(sources[0], 0, "one\n");
  sources[0].refuse();
  assert.equal(states.at(-1), "lost");
  mock.timers.tick(500);
  assert.equal(offset(sources[1]), "4");
  sources[1].open();
  say(sources[1], 9, "three\n");
  assert.equal(offset(sources[2]), "4", "two is missing");
  sources[2].open();
  say(sources[2], 4, "two\nthree\n");
  assert.deepEqual(model.texts, ["one", "two", "three"]);
  stop();
  hide(true);
  mock.timers.tick(60000);
  assert.equal(sources.length, 3, "who has left hears nothing more");
});
