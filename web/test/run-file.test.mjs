// The file of a run: what is shown of it, and what is refused, whoever has sent it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { readRun } = await load("admin/run/run-file.ts");
const { LogModel } = await load("admin/service/log-model.ts");

const at = (seconds) => `2026-01-02T03:04:${String(seconds).padStart(2, "0")}.000Z`;

function attempt(id, more = {}) {
  return {
    id,
    number: 1,
    outcome: "done",
    cause: "",
    detail: "",
    started_at: at(2),
    ended_at: at(4),
    log_bytes: 30,
    log_truncated: false,
    log_removed_at: null,
    log: [
      { offset: 0, at: at(2), stream: "berth", text: "$ v-add-user shop\n" },
      { offset: 19, at: at(3), stream: "stderr", text: "a warning\n" },
    ],
    log_cut: false,
    ...more,
  };
}

function task(id, more = {}) {
  return {
    id,
    service_id: "7",
    operation_id: "3",
    key: "web.user@web1",
    action: "web.user",
    role: "web",
    node: "web1",
    lane: "make",
    state: "done",
    needs_left: 0,
    weight: 10,
    attempts: 1,
    cause: "",
    reason: "",
    needs: [],
    critical: true,
    expected_ms: 1500,
    due_at: null,
    created_at: at(1),
    started_at: at(2),
    ended_at: at(4),
    attempt_list: [attempt(`${id}0`)],
    ...more,
  };
}

function run(more = {}) {
  return {
    format: "berth-run-1",
    made_at: at(30),
    installation: "abc123",
    service: { id: "7", domain: "xn--shp-tna.example", domain_unicode: "shøp.example", product: "basic", mode: "split", status: "live" },
    operation: { id: "3", kind: "deploy", state: "done", pipeline: "split", pipeline_hash: "x", tasks: { done: 1, total: 1 }, created_at: at(1), ended_at: at(9) },
    tasks: [task("11"), task("12", { key: "live", action: "live", node: null, needs: ["11"] })],
    events: [{ seq: 1, at: at(1), kind: "operation.started", data: { kind: "deploy" } }],
    logs_cut: false,
    ...more,
  };
}

const signature = { algorithm: "ed25519", public_key: "KEY=", value: "VALUE=" };
const fileOf = (root, more = {}) => JSON.stringify({ format: "berth-run-1", bundle: typeof root === "string" ? root : JSON.stringify(root), signature, ...more });
const faultOf = (text) => readRun(text).fault;

test("a run is read with its tasks, attempts, logs and events", () => {
  const { run: got } = readRun(fileOf(run()));
  assert.equal(got.service.domain_unicode, "shøp.example");
  assert.equal(got.operation.kind, "deploy");
  assert.equal(got.made_at, at(30));
  assert.equal(got.installation, "abc123");
  assert.equal(got.key, "KEY=");
  assert.deepEqual(got.tasks.map((each) => [each.id, each.node, each.state, each.needs]), [["11", "web1", "done", []], ["12", null, "done", ["11"]]]);
  assert.equal(got.events[0].kind, "operation.started");
  const [one] = got.tasks[0].attempt_list;
  const model = new LogModel();
  assert.equal(model.addAll(one.log, one.log.length), true);
  assert.deepEqual(model.texts, ["$ v-add-user shop", "a warning"]);
  assert.deepEqual(model.streams, [0, 2]);
});

test("what is checked is what is shown, and nothing else of the file", () => {
  const bundle = JSON.stringify(run());
  const { run: got } = readRun(fileOf(bundle, { more: "not looked at" }));
  assert.deepEqual(got.signed, { format: "berth-run-1", bundle, signature });
});

test("a file without a signature is shown: the server says that it has none", () => {
  for (const none of [undefined, null, "x", []]) assert.deepEqual(readRun(fileOf(run(), { signature: none })).run.signed.signature, {});
});

test("a file that is no run says so", () => {
  for (const text of ["", "hello", "<html></html>", "[]", "null", "7", '{"format":7}', '{"format":"other-1","bundle":"{}"}', "\u0000\u0001"]) assert.equal(faultOf(text), "no-run", JSON.stringify(text));
});

test("a file that was cut off says so, wherever it was", () => {
  const whole = fileOf(run());
  for (const length of [whole.length - 1, Math.floor(whole.length / 2), 40]) assert.equal(faultOf(whole.slice(0, length)), "cut", String(length));
  assert.equal(faultOf(JSON.stringify(JSON.parse(whole), null, 2).slice(0, 200)), "cut", "also when somebody has put it in order");
});

test("a format of another Berth is named", () => {
  assert.deepEqual(readRun(fileOf(run(), { format: "berth-run-2" })), { fault: "format", format: "berth-run-2" });
});

test("what does not hold what a run holds is refused as a whole", () => {
  const cases = {
    "no JSON inside": "{",
    "another thing inside": "[]",
    "no tasks": run({ tasks: undefined }),
    "no events": run({ events: null }),
    "no service": run({ service: undefined }),
    "no operation": run({ operation: "deploy" }),
    "a task that is none": run({ tasks: [null] }),
    "an id that is none": run({ tasks: [task("../../settings")] }),
    "the same task twice": run({ tasks: [task("11"), task("11")] }),
    "the same attempt twice": run({ tasks: [task("11", { attempt_list: [attempt("1"), attempt("1")] })] }),
    "the same event twice": run({ events: [{ seq: 1 }, { seq: 1 }] }),
    "no attempts": run({ tasks: [task("11", { attempt_list: {} })] }),
    "no log": run({ tasks: [task("11", { attempt_list: [attempt("1", { log: "text" })] })] }),
    "too many tasks": run({ tasks: Array.from({ length: 1001 }, (_, i) => task(String(i))) }),
    "tasks in a circle": run({ tasks: [task("1", { needs: ["2"] }), task("2", { needs: ["3"] }), task("3", { needs: ["1"] })] }),
    "a task that needs itself": run({ tasks: [task("1", { needs: ["1"] })] }),
  };
  for (const [name, root] of Object.entries(cases)) assert.equal(faultOf(fileOf(root)), "damaged", name);
});

test("many tasks that need all before them are no circle", () => {
  const ids = Array.from({ length: 300 }, (_, i) => String(i + 1));
  assert.equal(faultOf(fileOf(run({ tasks: ids.map((id, i) => task(id, { needs: ids.slice(0, i) })) }))), undefined);
});

test("what was changed to mislead a page is taken for nothing", () => {
  const { run: got } = readRun(
    fileOf(
      run({
        made_at: "yesterday",
        logs_cut: "yes",
        operation: { ...run().operation, kind: "constructor", state: "toString", created_at: 12 },
        tasks: [task("11", { state: "constructor", weight: "1e9", started_at: "soon", node: 7, needs: ["99"], attempt_list: [attempt("1", { log: [{ stream: "constructor", text: 7 }], number: null })] })],
        events: [{ seq: 1, at: "x", kind: "valueOf", data: "text" }],
      }),
    ),
  );
  assert.equal(got.made_at, null);
  assert.equal(got.logs_cut, false);
  assert.deepEqual([got.operation.kind, got.operation.state, got.operation.created_at], ["", "", null]);
  const [one] = got.tasks;
  assert.deepEqual([one.state, one.weight, one.started_at, one.node], ["", 0, null, null]);
  assert.deepEqual(one.attempt_list[0].log, [{ offset: 0, at: null, stream: "berth", text: "" }]);
  assert.deepEqual([got.events[0].at, got.events[0].kind, got.events[0].data], [null, "", {}]);
});
