// matrix.test.mjs - the crash matrix holds: see matrix.mjs. Every pair of step, moment and fault in `make test`; every point with
// BERTH_CRASH=full (`make crash-matrix`). The table is printed; BERTH_CRASH_REPORT names a document to write it into, between its
// two marks.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { test } from "node:test";
import { FAULTS } from "./faults.mjs";
import { counts, full, pairwise, runMatrix, table } from "./matrix.mjs";

const FULL = process.env.BERTH_CRASH === "full";
const REPORT = process.env.BERTH_CRASH_REPORT;
const LABS = ["crash-matrix1", "crash-matrix2", "crash-matrix3"];

function report(results, seconds) {
  const { points, lost, doubled } = counts(results);
  const run = `${FULL ? "The full run" : "The pairwise run"}: ${points} points, ${lost} lost, ${doubled} doubled; ${seconds} s on ${cpus().length} processors.`;
  return `${run}\n\n${table(results)}\n`;
}

function writeReport(file, text) {
  const document = readFileSync(file, "utf8");
  const marks = /(<!-- matrix: begin -->\n)[^]*(<!-- matrix: end -->)/;
  assert.match(document, marks, `${file} has the marks between which the table goes`);
  writeFileSync(file, document.replace(marks, (_, begin, end) => `${begin}\n${text}\n${end}`));
}

// What must not happen, done on purpose: a matrix that holds although this is done would prove nothing.
const HARM = {
  "a file too many": ({ domain }) => `touch /home/${domain.split(".")[0]}/harm`,
  "a command too many": () => "/usr/local/hestia/bin/v-restart-web",
};

test("the matrix sees what is wrong on the nodes, and what was run twice", async () => {
  for (const [name, script] of Object.entries(HARM))
    FAULTS[name] = async (world, { node, held }) => {
      world.lab.exec(node, script(world));
      held.release();
      return true;
    };
  const points = Object.keys(HARM).map((fault) => ({ step: "web.reload", moment: "committed", fault }));
  const results = await runMatrix(points, LABS.slice(0, 1));
  for (const name of Object.keys(HARM)) delete FAULTS[name];
  assert.deepEqual(counts(results), { points: 2, lost: 1, doubled: 1 }, results.map((result) => result.error).join("\n"));
});

test(`${FULL ? "each" : "every pair of"} step, moment and fault: the order ends as if nothing had been`, { timeout: 7200000 }, async () => {
  const began = performance.now();
  const results = await runMatrix(FULL ? full() : pairwise(), LABS, (result) => {
    if (!result.held) process.stderr.write(`---- ${result.step}, ${result.moment}, ${result.fault}: ${result.error}\n`);
  });
  const text = report(results, Math.round((performance.now() - began) / 1000));
  process.stdout.write(`${text}\n`);
  if (REPORT) writeReport(REPORT, text);
  assert.deepEqual(
    results.filter((result) => !result.held).map(({ step, moment, fault, error }) => `${step}, ${moment}, ${fault}: ${error.split("\n")[0]}`),
    [],
  );
});
