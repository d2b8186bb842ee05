// The log view's model: pieces to lines, search, links to lines, rows on the screen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { LogModel, LogSearch, logText, parseRange, plainLine, rangeHash } = await load("admin/service/log-model.ts");
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
  assert.equal(cells("a\tb"), 9);
  assert.equal(cells("日本"), 4);
});

test("a hundred thousand lines are quick", () => {
  const model = new LogModel();
  const rows = new RowIndex();
  rows.setColumns(80);
  const began = performance.now();
  const text = Array.from({ length: 100 }, (_, i) => `line ${i} ${"of something that a command said ".repeat(i % 5)}`).join("\n") + "\n";
  const size = bytes(text);
  for (let i = 0; i < 1000; i++) {
    model.add({ offset: model.cursor, at, stream: "stdout", text }, model.cursor + size);
    rows.update(model.texts, model.taken());
  }
  const search = new LogSearch("line 99");
  search.run(model, 0);
  const took = performance.now() - began;
  assert.equal(model.length, 100_000);
  assert.equal(search.count, 1000);
  assert.ok(took < 1500, `took ${took} ms`);
});
