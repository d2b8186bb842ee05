// outage.mjs - a node that comes back with 500 tasks held for it, against what one changing command at a time allows: a name server
// has no room for records, its circuit opens, and closes when there is room again.

import { BenchLab } from "./lab.mjs";
import { perNode } from "./minimum.mjs";
import { figure, say } from "./figures.mjs";
import { until } from "../lab/nodes.mjs";

const COMMAND_MS = 200;
const TASKS_EACH = 3; // dns.package, dns.user, dns.zone
const SERVICES = Math.ceil(500 / TASKS_EACH);
const NODE = "ns1";

// A file in the place of the directory: no record can be kept, everything else works.
const FILL = "mv ~/.berth ~/.berth.kept && : >~/.berth";
const EMPTY = "rm ~/.berth && mv ~/.berth.kept ~/.berth";

async function open(lab) {
  lab.lab.do("up");
  lab.init();
  await lab.start();
  await lab.addGroup();
  await lab.addNode(NODE);
  await lab.addProduct("names", { dns: {} });
  await lab.nodesUp();
  await lab.api.patch("/settings", { "node.probe_first": "1 s", "node.probe_cap": "4 s" });
  lab.commandsLast(COMMAND_MS);
}

/** The moments of answered looks. */
function trials(lab) {
  return lab.daemon.lines.filter((line) => line.includes("event=node.trial")).map((line) => Date.parse(line.split(" ", 1)[0]));
}

async function isUnreachable(lab) {
  return (await lab.node(NODE)).state === "unreachable";
}

/** All are placed while the node is there; then it is paused, so that nothing is under way when its room is gone. */
async function hold(lab) {
  const orders = await Promise.all(
    Array.from({ length: SERVICES }, (_, i) => lab.order(`held${i}.example`, { product: "names", options: {} })),
  );
  await until("all are placed", async () => (await lab.api.get("/services?status=accepted&limit=1")).services.length === 0, 30000);
  await lab.setNode(NODE, { state: "paused" });
  await until("what ran has ended", async () => (await lab.api.get("/queue")).running === 0, 30000);
  lab.lab.exec(NODE, FILL);
  await lab.setNode(NODE, { state: "active" });
  await until("its circuit is open", () => isUnreachable(lab), 30000);
  return orders.map(({ id }) => id);
}

/** @return when a look was answered by the node that had room again, ms */
async function comeBack(lab) {
  await new Promise((resolve) => setTimeout(resolve, 5000)); // a few questions go unanswered, or are, on trial
  await until("it is asked", () => isUnreachable(lab), 30000);
  const at = Date.now();
  lab.lab.exec(NODE, EMPTY);
  const trial = await until("it is back", () => trials(lab).find((ms) => ms >= at), 30000);
  await until("its circuit is closed", async () => !(await isUnreachable(lab)), 30000);
  return trial;
}

async function lastLive(lab, ids) {
  const isQuiet = async () => {
    await new Promise((resolve) => setTimeout(resolve, 500)); // berthd has better to do than to answer all the time
    const queue = await lab.api.get("/queue");
    return queue.queued + queue.running + queue.waiting === 0;
  };
  await until("no task is left", isQuiet, 600000);
  let last = { live_at: "" };
  for (const id of ids) {
    const service = await lab.status(id);
    if (service.live_at > last.live_at) last = service;
  }
  return last;
}

export async function outage() {
  const lab = new BenchLab();
  try {
    await open(lab);
    const ids = await hold(lab);
    const before = lab.commands()[NODE];
    const began = await comeBack(lab);
    const last = await lastLive(lab, ids);
    const verify = (await lab.api.tasks(last.id)).find((task) => task.key === "verify.dns");
    const ms = Date.parse(last.live_at) - began;
    const commands = SERVICES * perNode.dns - before;
    const least = commands * COMMAND_MS + Date.parse(verify.ended_at) - Date.parse(verify.started_at);
    say(`outage: ${SERVICES * TASKS_EACH} tasks; ${commands} changing commands left, ${lab.commands()[NODE] - before} run; ${ms} ms, bound ${least} ms`);
    figure("outage.ratio", ms / least, "ratio", { atMost: 1.1 });
  } finally {
    await lab.close();
  }
}
