// rescue.mjs - how soon work goes on after a kill -9: an attempt that was under way, and the first command after a restart with 100,000
// tasks waiting against one with a few. Then the crash matrix, every pair: how many points, and that nothing was lost or doubled.

import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { until } from "../lab/nodes.mjs";
import { counts, pairwise, runMatrix } from "../crash/matrix.mjs";
import { BenchLab } from "./lab.mjs";
import { figure, median, run, say } from "./figures.mjs";

const KILLS = 5;
const COMMAND_MS = 2000;
const RESTARTS = 7;
const TASKS = 100000;
const REST_MS = 1000;

/** Milliseconds from the kill until the next process has taken the attempt over and stands in connection with its node, where the
 * question for the command is the first thing that it sends. */
async function takenOver(lab, key, node) {
  const began = performance.now();
  await lab.daemon.kill();
  await lab.start();
  await lab.daemon.said(new RegExp(`event=attempt\\.resumed .*key=${key}$`));
  await lab.daemon.said(new RegExp(`event=node\\.up node=${node}$`));
  return performance.now() - began;
}

async function rescues(lab) {
  const all = [];
  for (let i = 0; i < KILLS; i++) {
    lab.panel(`pace=fixed ${COMMAND_MS}`);
    const { id } = await lab.order(`rescue${i}.example`);
    const task = await lab.task(id, "web.user", ["running"]);
    await until("its command is under way", async () => /v-add-user/.test((await lab.api.log(task.attempt_id)).berth));
    all.push(await takenOver(lab, "web.user", "web1"));
    lab.panel("pace=none");
    await lab.status(id);
    const { attempts } = await lab.task(id, "web.user", ["done"]);
    if (attempts !== 1) throw new Error(`web.user took ${attempts} attempts`);
  }
  say(`rescue: ${all.map((ms) => ms.toFixed(0))} ms from kill -9 until the attempt is picked up`);
  figure("rescue.s", Math.max(...all) / 1000, "s", { atMost: 20 });
}

/** Until berthd has come to rest: no sync for a second. Before, it may still be writing its log into the database, and who is killed then
 * leaves a log of any length, which is not what is measured. */
async function rest(env) {
  const syncs = () => readFileSync(env.FSYNC_WATCH, "utf8").match(/^sync /gm)?.length ?? 0;
  let seen = -1;
  let since = 0;
  await until(
    "berthd has come to rest",
    () => {
      const now = syncs();
      if (now !== seen) [seen, since] = [now, performance.now()];
      return performance.now() - since > REST_MS;
    },
    60000,
  );
}

/** From the start of berthd to the first command's bytes on a socket, in ms: the middle of some restarts after kill -9. */
async function restarts(lab, env) {
  const all = [];
  for (let i = 0; i < RESTARTS; i++) {
    await rest(env);
    await lab.daemon.kill();
    truncateSync(env.FSYNC_WATCH);
    const began = process.hrtime.bigint(); // CLOCK_MONOTONIC, as in fsync_watch
    await lab.start(env);
    const line = await until("a command has left", () => /^command (\d+) /m.exec(readFileSync(env.FSYNC_WATCH, "utf8")), 60000);
    all.push(Number(BigInt(line[1]) - began) / 1e6);
  }
  say(`restart: ${all.map((ms) => ms.toFixed(0))} ms to the first command's bytes`);
  return median(all);
}

/** Orders until so many tasks wait: the first command of each node hangs. */
async function fill(build, lab) {
  const { hostname, port } = new URL(lab.daemon.base);
  const tasksEach = (await lab.api.tasks("1")).length;
  let services = 0;
  for (let round = 0; services * tasksEach < TASKS; round++) {
    const [load] = await run(join(build, "tests/bench/load_orders"), [hostname, port, lab.token, "start", "16", "0.5", `restart${round}`]);
    services += load.accepted;
  }
  for (const status of ["accepted", "waiting"])
    await until(`no service is ${status}`, async () => (await lab.api.get(`/services?status=${status}&limit=1`)).services.length === 0, 120000);
  return services * tasksEach;
}

async function restartRatio(build) {
  const lab = new BenchLab();
  try {
    const env = { LD_PRELOAD: join(build, "tests/bench/fsync_watch.so"), FSYNC_WATCH: join(lab.directory, "watch") };
    await lab.up(env);
    lab.panel("hang=v-list-user-package:3600");
    const { id } = await lab.order("first.example");
    await lab.task(id, "web.package", ["running"]);
    const few = (await lab.api.tasks(id)).length;
    const fewMs = await restarts(lab, env);
    const many = await fill(build, lab);
    const manyMs = await restarts(lab, env);
    say(`restart: ${fewMs.toFixed(0)} ms with ${few} tasks, ${manyMs.toFixed(0)} ms with ${many}`);
    figure("restart.ratio", manyMs / fewMs, "ratio", { atMost: 1.5 });
  } finally {
    await lab.close();
  }
}

async function crashes() {
  const points = pairwise();
  const { points: ran, lost, doubled } = counts(
    await runMatrix(points, ["crash-bench1", "crash-bench2", "crash-bench3"], ({ step, moment, fault, held, error }) => {
      if (!held) say(`crash: ${step}, ${moment}, ${fault}: ${error}`);
    }),
  );
  figure("crash.points", ran, "points", { atLeast: points.length });
  figure("crash.lost", lost, "orders", { atMost: 0 });
  figure("crash.doubled", doubled, "commands", { atMost: 0 });
}

export async function rescue(build) {
  const lab = new BenchLab();
  try {
    await lab.up();
    await rescues(lab);
  } finally {
    await lab.close();
  }
  await restartRatio(build);
  await crashes();
}
