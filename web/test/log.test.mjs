// The log view's model: pieces to lines, search, links to lines, rows on the screen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { LogModel, LogSearch, logText, parseRange, plainLine, rangeHash } = await load("admin/service/log-model.ts");
const { standingLog } = await load("admin/service/log-source.ts");
const { LogFilter, toggled } = await load("admin/service/log-filter.ts");
const { RowIndex, cells } = await load("admin/service/rows.ts");

const at = "2026-01-02T03:04:05.678Z";
const bytes = (text) => new TextEncoder().encode(text).length;

/** Pieces one behind the other: "out:text". */
function pieces(...texts) {
  let offset = 0;
  return texts.map((each) => {
    const [stream, text] = [each.slice(0, 3), each.slice(4)];
    const chunk = { offset, at, stream: { our: "berth", out: "stdout", err: "stderr" }[stream], text };
    offset += bytes(text);
    return chunk;
  });
}

const endOf = (chunks) => chunks.at(-1).offset + bytes(chunks.at(-1).text);

test("pieces become lines, whatever their cuts", () => {
  const chunks = pieces("our:$ v-add-user shop\n", "out:one\ntw", "out:o\nthree\n", "err:bad\n");
  const model = new LogModel();
  assert.equal(model.addAll(chunks, endOf(chunks)), true);
  assert.deepEqual(model.texts, ["$ v-add-user shop", "one", "two", "three", "bad"]);
  assert.deepEqual(model.streams, [0, 1, 1, 1, 2]);
  assert.equal(model.cursor, endOf(chunks));
  assert.equal(model.moments[1], Date.parse(at));
});

test("a line that another stream speaks into goes on where it was", () => {
  const chunks = pieces("out:half", "err:warning\n", "out: and half\nnext");
  const model = new LogModel();
  model.addAll(chunks, endOf(chunks));
  assert.deepEqual(model.texts, ["half and half", "warning", "next"]);
});

test("what comes twice is dropped, what leaves a gap is refused", () => {
  const chunks = pieces("out:äöü\n", "out:two\n", "out:three\n");
  const model = new LogModel();
  model.addAll(chunks.slice(0, 2), chunks[2].offset);
  assert.equal(model.addAll(chunks, endOf(chunks)), true);
  assert.deepEqual(model.texts, ["äöü", "two", "three"]);
  assert.equal(model.add({ offset: 1000, at, stream: "stdout", text: "late\n" }, 1005), false);
  assert.equal(model.length, 3);
  // a piece of which the front is known
  assert.equal(model.add({ offset: model.cursor - 3, at, stream: "stdout", text: "ee\nfour\n" }, model.cursor + 5), true);
  assert.deepEqual(model.texts.slice(2), ["three", "four"]);
});

test("a log that stands already is there at once, whole and ended", () => {
  const how = { outcome: "failed", removed_at: null, truncated: true };
  for (const [chunks, texts] of [
    [pieces("our:$ v-add-user shop\n", "out:one\ntw", "out:o"), ["$ v-add-user shop", "one", "two"]],
    [[], []],
  ]) {
    const model = new LogModel();
    const told = [];
    const stop = standingLog(chunks, chunks.length === 0 ? 0 : endOf(chunks), how, "as it was")(model, {
      changed: () => told.push([...model.texts]),
      state: (...state) => told.push(state),
      ended: (end) => told.push(end),
    });
    stop();
    assert.deepEqual(told, [texts, ["ended", "as it was"], how]);
  }
});

test("colours and written-over lines are shown as a terminal leaves them", () => {
  assert.equal(plainLine("\x1b[1;31mred\x1b[0m plain"), "red plain");
  assert.equal(plainLine("10%\r50%\r100%"), "100%");
  assert.equal(plainLine("windows\r"), "windows");
  assert.equal(plainLine("\x1b]0;title\x07text"), "text");
  assert.equal(plainLine("bell\x07 tab\t."), "bell␇ tab\t.");
  const chunks = pieces("out:a\x1b[3", "out:2mgreen\n");
  const model = new LogModel();
  model.addAll(chunks.slice(0, 1), chunks[1].offset);
  assert.equal(model.texts[0], "a");
  model.addAll(chunks.slice(1), endOf(chunks));
  assert.equal(model.texts[0], "agreen");
});

test("what has changed is told once, and a line that may grow again and again", () => {
  const chunks = pieces("out:one\ntw", "out:o\nthree\n", "out:four\n");
  const model = new LogModel();
  model.addAll(chunks.slice(0, 1), chunks[1].offset);
  assert.equal(model.taken(), 0);
  model.addAll(chunks.slice(1, 2), chunks[2].offset);
  assert.equal(model.taken(), 1);
  model.addAll(chunks.slice(2), endOf(chunks));
  assert.equal(model.taken(), 3);
  assert.equal(model.taken(), 4);
});

test("a line that does not end is not told again while another stream speaks", () => {
  const chunks = pieces("out:working", "err:one\n", "err:two\n", "out: ... done\n");
  const model = new LogModel();
  const told = chunks.map((chunk, i) => {
    model.add(chunk, chunks[i + 1]?.offset ?? endOf(chunks));
    return model.taken();
  });
  assert.deepEqual(told, [0, 1, 2, 0]);
});

test("search counts every occurrence and goes on with new lines", () => {
  const chunks = pieces("out:Error one error\nfine\n", "out:an ERR", "out:OR\n");
  const model = new LogModel();
  const search = new LogSearch("error");
  for (let i = 0; i < chunks.length; i++) {
    model.addAll(chunks.slice(i, i + 1), chunks[i + 1]?.offset ?? endOf(chunks));
    search.run(model, model.taken());
  }
  assert.equal(search.count, 3);
  assert.deepEqual(search.lines, [0, 0, 2]);
  assert.deepEqual(search.columns, [0, 10, 3]);
  assert.equal(search.firstFrom(1), 2);
  assert.equal(search.firstFrom(3), 0, "round the corner");
  assert.equal(new LogSearch("nothing").firstFrom(0), -1);
});

test("the next match is looked for from a line, and a column of it", () => {
  const chunks = pieces("out:ab ab ab\nab\n");
  const model = new LogModel();
  model.addAll(chunks, endOf(chunks));
  const search = new LogSearch("ab");
  search.run(model, 0);
  for (const [line, column, want] of [[0, 0, 0], [0, 1, 1], [0, 6, 2], [0, 7, 3], [1, 1, 0]]) assert.equal(search.firstFrom(line, column), want, `${line}:${column}`);
});

test("a click shows one stream, the next one more; all and none are the same", () => {
  const cases = [
    [[], 2, [2]],
    [[2], 0, [0, 2]],
    [[0, 2], 2, [0]],
    [[2], 2, []],
    [[0, 2], 1, []],
  ];
  for (const [chosen, stream, want] of cases) assert.deepEqual(toggled(chosen, stream), want, `${chosen} and a click on ${stream}`);
});

test("lines that are shown keep their numbers, and those that come find their place", () => {
  const chunks = pieces("our:$ v-add-user\n", "out:one\n", "err:bad\n", "out:two\n", "err:wor", "out:three\n", "err:se\n", "err:end\n");
  const model = new LogModel();
  const filter = new LogFilter(model);
  model.addAll(chunks.slice(0, 4), chunks[4].offset);
  filter.update();
  assert.equal(filter.length, 4);
  assert.deepEqual([filter.lineAt(2), filter.placeOf(3)], [2, 3], "all are shown: a line stands in its own place");
  filter.choose([2]);
  assert.deepEqual(filter.lines, [2]);
  assert.deepEqual(filter.counts, [1, 2, 1], "what is hidden is counted");
  model.addAll(chunks.slice(4), endOf(chunks));
  filter.update();
  assert.deepEqual(filter.lines, [2, 4, 6], "a line that grows is one");
  assert.deepEqual(filter.counts, [1, 3, 3]);
  assert.deepEqual([0, 2, 3, 4, 5, 6, 7].map((line) => filter.placeOf(line)), [0, 0, 1, 1, 2, 2, 3], "a hidden line: the next one that is shown");
  assert.deepEqual([0, 1, 2, 9].map((place) => filter.lineAt(place)), [2, 4, 6, 6]);
  filter.choose([0, 2]);
  assert.deepEqual(filter.lines, [0, 2, 4, 6]);
  filter.choose([]);
  assert.equal(filter.length, 7);
  assert.deepEqual(filter.counts, [1, 3, 3]);
  const none = new LogFilter(new LogModel());
  none.choose([1]);
  assert.deepEqual([none.length, none.lineAt(0), none.placeOf(5), none.text()], [0, 0, 0, ""]);
});

test("what is shown is what is copied and searched; a link to what is hidden is known", () => {
  const chunks = pieces("out:one error\n", "err:bad error\n", "out:two\n", "err:last error\n");
  const model = new LogModel();
  model.addAll(chunks, endOf(chunks));
  const filter = new LogFilter(model);
  filter.choose([2]);
  assert.equal(filter.text(), "bad error\nlast error\n");
  assert.equal(filter.text({ from: 1, to: 3 }), "bad error\n");
  assert.equal(filter.text({ from: 3, to: 3 }), "");
  assert.equal(filter.text({ from: 4, to: 99 }), "last error\n", "further than the log goes");
  assert.deepEqual([[1, 1], [2, 2], [2, 4], [1, 4], [2, 3], [4, 99]].map(([from, to]) => filter.hides({ from, to })), [true, false, false, true, true, false]);
  assert.deepEqual([[1, 1], [1, 4], [3, 3], [90, 99]].map(([from, to]) => filter.countIn({ from, to })), [0, 2, 0, 0]);
  const search = new LogSearch("error", (line) => filter.has(line));
  search.run(model, 0);
  assert.deepEqual(search.lines, [1, 3]);
  filter.choose([]);
  assert.equal(filter.text({ from: 2, to: 3 }), "bad error\ntwo\n");
  assert.equal(filter.text(), logText(model));
});

test("links to lines", () => {
  assert.deepEqual(parseRange("#L12"), { from: 12, to: 12 });
  assert.deepEqual(parseRange("#L9-L3"), { from: 3, to: 9 });
  assert.equal(parseRange("#L0"), null);
  assert.equal(parseRange("#somewhere"), null);
  assert.equal(rangeHash({ from: 3, to: 9 }), "#L3-L9");
  assert.equal(rangeHash({ from: 3, to: 3 }), "#L3");
});

test("text to copy and to download", () => {
  const chunks = pieces("our:$ true\n", "out:one\n");
  const model = new LogModel();
  model.addAll(chunks, endOf(chunks));
  assert.equal(logText(model), "$ true\none\n");
  assert.equal(logText(model, 1, 1), "one\n");
  assert.equal(logText(model, 0, 1, true), `${at} berth  $ true\n${at} stdout one\n`);
});

test("rows: lines that are broken take several", () => {
  const rows = new RowIndex();
  const texts = ["a".repeat(10), "b".repeat(25), "", "c"];
  rows.update(texts, 0);
  assert.equal(rows.total, 4);
  assert.equal(rows.setColumns(10), true);
  rows.update(texts, 0);
  assert.equal(rows.total, 1 + 3 + 1 + 1);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 99].map((row) => rows.lineAt(row)), [0, 1, 1, 1, 2, 3, 3]);
  assert.equal(rows.rowOf(2), 4);
  texts.push("d".repeat(11));
  rows.update(texts, 4);
  assert.equal(rows.total, 8);
  rows.update(texts, 0, [1, 4]);
  assert.equal(rows.total, 3 + 2, "of chosen lines only");
  assert.deepEqual([0, 2, 3].map((row) => rows.lineAt(row)), [0, 0, 1]);
  assert.equal(cells("a\tb"), 9);
  assert.equal(cells("日本"), 4);
});

test("a hundred thousand lines are quick", () => {
  const model = new LogModel();
  const filter = new LogFilter(model);
  filter.choose([2]);
  const rows = new RowIndex();
  rows.setColumns(80);
  const shown = new RowIndex();
  shown.setColumns(80);
  const began = performance.now();
  const text = Array.from({ length: 100 }, (_, i) => `line ${i} ${"of something that a command said ".repeat(i % 5)}`).join("\n") + "\n";
  const size = bytes(text);
  for (let i = 0; i < 1000; i++) {
    model.add({ offset: model.cursor, at, stream: i % 2 ? "stderr" : "stdout", text }, model.cursor + size);
    const changed = model.taken();
    rows.update(model.texts, changed);
    filter.update();
    shown.update(model.texts, filter.placeOf(changed), filter.lines);
  }
  for (let i = 0; i < 10; i++) filter.choose(i % 2 ? [2] : []);
  const search = new LogSearch("line 99");
  search.run(model, 0);
  const took = performance.now() - began;
  assert.equal(model.length, 100_000);
  assert.equal(search.count, 1000);
  assert.deepEqual([filter.length, shown.lines], [50_000, 50_000]);
  assert.ok(took < 1500, `took ${took} ms`);
});
