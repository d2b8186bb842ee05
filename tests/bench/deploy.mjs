// deploy.mjs - one order, and twenty at once, on four nodes where each changing command lasts 200 ms, against the least that the
// documented minimum of commands allows; then one order at the pace that was recorded on real nodes.

import { BenchLab } from "./lab.mjs";
import { burstMs, criticalPathMs, perNode, total } from "./minimum.mjs";
import { figure, median, say } from "./figures.mjs";

const COMMAND_MS = 200;
const SINGLE = 7;
const BURST = 20;

async function single(lab) {
  await lab.measured("warm.example");
  const ratios = [];
  for (let i = 0; i < SINGLE; i++) {
    const { ms, verifyMs } = await lab.measured(`single${i}.example`);
    const least = criticalPathMs(COMMAND_MS, verifyMs);
    ratios.push(ms / least);
    say(`deploy: ${ms} ms, critical path ${least} ms (verify ${JSON.stringify(verifyMs)})`);
  }
  figure("deploy.ratio", median(ratios), "ratio", { atMost: 1.06 });
}

async function burst(lab) {
  const began = Date.now();
  const orders = await Promise.all(Array.from({ length: BURST }, (_, i) => lab.order(`burst${i}.example`)));
  const all = [];
  for (const { id } of orders) all.push(await lab.ended(id, began));
  const last = all.reduce((a, b) => (a.ms > b.ms ? a : b));
  const least = burstMs(BURST, COMMAND_MS, last.verifyMs);
  say(`burst: ${last.ms} ms, bound ${least} ms`);
  figure("burst.ratio", last.ms / least, "ratio", { atMost: 1.1 });
}

/** How long something of a service was under way on each node: {node: ms}. */
function nodeMs(tasks) {
  const spans = {};
  for (const task of Object.values(tasks)) {
    if (task.key.startsWith("verify.") || !task.node) continue;
    (spans[task.node.name ?? task.node] ??= []).push([Date.parse(task.started_at), Date.parse(task.ended_at)]);
  }
  return Object.fromEntries(Object.entries(spans).map(([node, list]) => [node, union(list)]));
}

function union(spans) {
  let sum = 0;
  let until = 0;
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum;
}

async function panelFigures(lab) {
  const before = lab.commands();
  const { ms, tasks } = await lab.measured("recorded.example");
  const after = lab.commands();
  const commands = Object.keys(after).map((node) => after[node] - before[node]);
  const busy = nodeMs(tasks);
  say(`panel: live after ${ms} ms; node time in ms ${JSON.stringify(busy)}; changing commands ${Object.keys(after)} ${commands}`);
  say(`panel: documented minimum: web ${perNode.web}, mail ${perNode.mail}, each name server ${perNode.dns}`);
  figure("panel.seconds", Math.max(...Object.values(busy)) / 1000, "s", { atMost: 6 });
  figure("panel.commands", commands.reduce((a, b) => a + b, 0), "commands", { atMost: total });
}

export async function deploy() {
  const lab = new BenchLab();
  try {
    await lab.up();
    lab.stockKeys(2 + SINGLE + BURST);
    lab.commandsLast(COMMAND_MS);
    say(`deploy: the stand-in's pace: ${lab.lab.do("panel", "web1").trim()}`);
    await single(lab);
    await burst(lab);
    lab.panel("pace=recorded");
    await panelFigures(lab);
  } finally {
    await lab.close();
  }
}
