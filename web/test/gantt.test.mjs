// The bars of an operation: what is expected, the critical path, lanes and rows, attempts from the timeline, the axis.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { criticalPath, expected, gantt, labelSide, tickStep } = await load("admin/service/gantt.ts");
const { changedOf, piecesOf, reportsOf } = await load("admin/service/timeline.ts");

const START = Date.parse("2026-01-02T03:00:00.000Z");
const moment = (ms) => (ms === null ? null : new Date(START + ms).toISOString());

/** [id, node, state, from, to, needs, weight] */
function task([id, node, state, from, to, needs = [], weight = 10]) {
  return { id, key: id, node, state, weight, needs, started_at: moment(from), ended_at: moment(to), due_at: null };
}

const DONE = [
  ["1", "web1", "done", 0, 100, []],
  ["2", "web1", "done", 100, 900, ["1"]],
  ["3", "mail1", "done", 0, 400, []],
  ["4", "ns1", "done", 400, 700, ["3"]],
  ["5", null, "done", 900, 900, ["2", "4"]],
].map(task);

test("the critical path goes back from the last task to what it waited for longest", () => {
  assert.deepEqual(criticalPath(DONE, expected(DONE, START + 900)), ["1", "2", "5"]);
});

test("the server's own critical path comes first", () => {
  const said = DONE.map((each) => ({ ...each, critical: each.id === "3" || each.id === "4" }));
  assert.deepEqual(criticalPath(said, expected(said, START + 900)), ["3", "4"]);
});

test("what has not begun is expected behind what it needs, by its weight or what was learned", () => {
  const tasks = [task(["1", "web1", "running", 0, null, [], 30]), task(["2", "web1", "blocked", null, null, ["1"], 20]), { ...task(["3", null, "blocked", null, null, ["2"], 1]), expected_ms: 50 }];
  const when = expected(tasks, START + 1000);
  assert.deepEqual([when.get("1"), when.get("2"), when.get("3")].map(({ start, end }) => [start - START, end - START]), [[0, 3000], [3000, 5000], [5000, 5050]]);
  assert.equal(expected(tasks, START + 9000).get("1").end - START, 9000, "one that takes longer ends now at the earliest");
});

test("bars stand in lanes per node, ours last, and beside each other only in rows of their own", () => {
  const chart = gantt([...DONE, task(["6", "web1", "done", 50, 300, []])], { now: START + 5000, began: START, ended: START + 900 });
  assert.deepEqual(chart.lanes.map((lane) => lane.name), ["web1", "mail1", "ns1", ""]);
  const web = chart.lanes[0];
  assert.equal(web.rows, 2);
  assert.deepEqual(web.bars.map((bar) => [bar.id, bar.row]), [["1", 0], ["6", 1], ["2", 0]]);
  assert.deepEqual(web.bars.map((bar) => bar.critical), [true, false, true]);
  assert.equal(chart.lanes[2].bars[0].ready - START, 400);
  assert.equal(chart.to - chart.from, 900);
});

test("each in a row of its own when asked so, what is held nowhere", () => {
  const tasks = [task(["1", "web1", "failed", 0, 100]), task(["2", "web1", "held", null, null, ["1"]]), task(["3", "web1", "queued", null, null])];
  const chart = gantt(tasks, { now: START + 200, began: START, ended: 0, apart: true });
  assert.deepEqual(chart.lanes[0].bars.map((bar) => [bar.id, bar.row, bar.planned]), [["1", 0, false], ["3", 1, true]]);
});

test("a running bar ends now", () => {
  const chart = gantt([task(["1", "web1", "running", 100, null])], { now: START + 4200, began: START, ended: 0 });
  assert.equal(chart.lanes[0].bars[0].to - START, 4200);
});

test("the axis is round for people", () => {
  assert.deepEqual([3, 70].map((span) => tickStep(span, 8)), [1, 10], "what is over at once has a scale, too");
  assert.deepEqual([900, 2900, 14_000, 65_000, 3_600_000].map((span) => tickStep(span, 8)), [200, 500, 2000, 10_000, 600_000]);
  assert.ok((100 * 3_600_000) / tickStep(100 * 3_600_000, 8) <= 8);
});

test("the words of a bar stand where there is room for them", () => {
  const cases = [
    ["an early bar", 0, 0, 20, "after"],
    ["a late bar", 70, 70, 90, "before"],
    ["a late bar that waited late", 60, 70, 90, "before"],
    ["a late bar that waited from the beginning", 0, 70, 100, "over"],
    ["a bar that takes all the width", 0, 0, 100, "inside"],
    ["a long bar that waited from the beginning", 0, 20, 95, "inside"],
    ["a bar that begins before its line", 90, 10, 100, "inside"],
  ];
  for (const [name, ready, from, to, want] of cases) assert.equal(labelSide(ready, from, to), want, name);
});

const event = (seq, ms, kind, data) => ({ seq, at: moment(ms), kind, data });

test("attempts come from the timeline", () => {
  const pieces = piecesOf(
    [
      event(1, 0, "task.started", { task: 7, attempt: 1 }),
      event(2, 100, "task.retry", { task: 7, due_at_ms: 1 }),
      event(3, 300, "task.started", { task: 7, attempt: 2 }),
      event(4, 350, "task.retry", { task: 7, waits_for: "a lock" }),
      event(5, 500, "task.started", { task: 7, attempt: 3 }),
      event(6, 600, "task.started", { task: 8, attempt: 1 }),
      event(7, 700, "task.done", { task: 7, changed: true, note: "made" }),
    ],
    START + 1000,
  );
  assert.deepEqual(pieces.get("7").map((piece) => [piece.from - START, piece.to - START, piece.outcome]), [[0, 100, "retry"], [300, 350, "waited"], [500, 700, "done"]]);
  assert.deepEqual(pieces.get("8").map((piece) => [piece.to - START, piece.outcome]), [[1000, "running"]]);
});

test("an operation that is superseded ends its attempts", () => {
  const pieces = piecesOf([event(1, 0, "task.started", { task: 7, attempt: 1 }), event(2, 100, "operation.superseded", { id: 1 })], START + 1000);
  assert.deepEqual(pieces.get("7").map((piece) => [piece.to - START, piece.outcome]), [[100, "superseded"]]);
});

test("notes and reports", () => {
  const events = [
    event(1, 0, "task.done", { task: 7, changed: false, note: "as wanted" }),
    event(2, 1, "service.planned", { id: 12, changes: 1, steps: [{ key: "web.domain", node: "web1", note: "would run v-add-web-domain" }] }),
  ];
  assert.deepEqual(changedOf(events).get("7"), { changed: false, note: "as wanted" });
  assert.deepEqual(reportsOf(events, "service.planned"), [{ id: "12", at: moment(1), changes: 1, steps: [{ key: "web.domain", node: "web1", what: "would run v-add-web-domain" }] }]);
  assert.deepEqual(reportsOf(events, "service.verified"), []);
});
