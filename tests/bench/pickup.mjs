// pickup.mjs - how soon after the commit of an order its first command leaves. A black box: the preload fsync_watch writes down
// when the log was synced and when bytes went to an SSH socket. The system is idle, the sessions stand, and each order is live
// before the next one comes.

import { readdirSync, readFileSync, readlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { leastCommit } from "./disk.mjs";
import { BenchLab } from "./lab.mjs";
import { figure, quantile, run, say } from "./figures.mjs";

const BLOCKS = 6;
const ORDERS = 30; /* in a block; between blocks the disk is asked what a commit costs */
const COMMIT_SECONDS = 2;

function nowNs() {
  return process.hrtime.bigint(); // CLOCK_MONOTONIC, as in fsync_watch
}

/** Descriptors of berthd that are the database's log. */
function logDescriptors(pid) {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith("-wal");
    } catch {
      return false;
    }
  });
}

function readWatch(file) {
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line)
    .map((line) => line.split(" "))
    .map(([what, at, fd]) => ({ what, at: BigInt(at), fd }));
}

/** Busy and all ticks of the processors since boot. */
function ticks() {
  const all = readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const sum = all.reduce((a, b) => a + b);
  return { sum, busy: sum - all[3] - all[4] };
}

/** Until the processors have had next to nothing to do for a tenth of a second: the nodes' servers are still reloading when the last
 * task is done. Other work on the machine may keep them busy, so it is not waited for longer than two seconds. */
async function idle() {
  for (let i = 0; i < 20; i++) {
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const after = ticks();
    if (after.busy - before.busy <= 0.1 * (after.sum - before.sum)) return;
  }
}

/** One order by the small client of `accept`: this process sleeps meanwhile, so that nobody competes with berthd for the processors. */
async function order(build, lab, name) {
  const { hostname, port } = new URL(lab.daemon.base);
  await run(join(build, "tests/bench/load_orders"), [hostname, port, lab.token, "site", 1, 0, name].map(String));
  const [{ id }] = (await lab.api.get(`/services?domain=${name}-0-0.example`)).services;
  await lab.status(id);
}

async function pickUp(build, lab, watch, logs, name) {
  await idle();
  truncateSync(watch);
  const asked = nowNs();
  await order(build, lab, name);
  const seen = readWatch(watch);
  const commit = seen.find((line) => line.what === "sync" && line.at > asked && logs.includes(line.fd));
  const sent = seen.find((line) => line.what === "send" && line.at > commit.at);
  await lab.quiet();
  return Number(sent.at - commit.at) / 1e6;
}

async function commits(build, directory, env) {
  const samples = join(directory, "commits");
  await run(join(build, "tests/bench/one_insert_per_fsync"), [join(directory, "commits.db"), "1", String(COMMIT_SECONDS), samples], env);
  return readFileSync(samples, "utf8").trim().split("\n").map(Number);
}

export async function pickup(build) {
  const lab = new BenchLab();
  try {
    const watch = join(lab.directory, "watch");
    const env = await leastCommit(build, "pickup");
    await lab.up({ ...env, LD_PRELOAD: join(build, "tests/bench/fsync_watch.so"), FSYNC_WATCH: watch });
    await lab.addProduct("site", { web: { disk_mb: 1000 } });
    const logs = logDescriptors(lab.daemon.pid);
    await pickUp(build, lab, watch, logs, "warm");
    const pickUps = [];
    const durable = [];
    for (let block = 0; block < BLOCKS; block++) {
      durable.push(...(await commits(build, lab.directory, env)));
      for (let i = 0; i < ORDERS; i++) pickUps.push(await pickUp(build, lab, watch, logs, `site${block}-${i}`));
    }
    for (const [name, share, atMost] of [["p50", 0.5, 4], ["p99", 0.99, 5]]) {
      const ours = quantile(pickUps, share);
      const commit = quantile(durable, share);
      say(`pickup: ${name} ${ours.toFixed(3)} ms after the commit; one durable commit: ${commit.toFixed(3)} ms`);
      figure(`pickup.ratio_${name}`, ours / commit, "ratio", { atMost });
    }
  } finally {
    await lab.close();
  }
}
