// accept.mjs - orders over HTTP against the obvious way, one INSERT per fsync. Both run in turn in short rounds on the same
// disk, and the middle of the rounds' ratios counts: other work on the machine comes and goes in seconds.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Berth } from "./berth.mjs";
import { leastCommit, slower } from "./disk.mjs";
import { figure, median, run, say } from "./figures.mjs";

const CLIENTS = 64;
const SECONDS = 2;
const SLOW_FSYNC_US = 2000;
const RAW_ROUNDS = 3;

async function load(build, berth, prefix) {
  const { hostname, port } = new URL(berth.base);
  const [round] = await run(join(build, "tests/bench/load_orders"), [hostname, port, berth.token, "start", CLIENTS, SECONDS, prefix].map(String));
  await berth.settled();
  return round;
}

async function obvious(build, directory, env) {
  const [round] = await run(join(build, "tests/bench/one_insert_per_fsync"), [join(directory, "db"), CLIENTS, SECONDS].map(String), env);
  return round;
}

async function rounds(build, count, env) {
  const berth = await Berth.open(build, env);
  const directory = mkdtempSync(join(tmpdir(), "obvious."));
  const all = [];
  try {
    await berth.addProduct();
    await load(build, berth, "warm");
    for (let i = 0; i < count; i++) {
      const plain = await obvious(build, directory, env);
      const ours = await load(build, berth, `round${i}`);
      all.push({ rate: ours.per_second / plain.per_second, p99: ours.p99_ms / plain.p99_ms });
      say(
        `accept: ${ours.per_second} orders/s, p99 ${ours.p99_ms} ms; one insert per fsync: ${plain.per_second}/s, p99 ${plain.p99_ms} ms`,
      );
    }
  } finally {
    await berth.close();
    rmSync(directory, { recursive: true });
  }
  return { rate: median(all.map((round) => round.rate)), p99: median(all.map((round) => round.p99)) };
}

export async function accept(build) {
  const env = await leastCommit(build, "accept");
  if (env.FSYNC_DELAY_US) {
    const raw = await rounds(build, RAW_ROUNDS, {});
    say(`accept: on the disk as it is, ratio ${raw.rate.toFixed(2)}, p99 ${raw.p99.toFixed(2)}`);
  }
  const fast = await rounds(build, 7, env);
  figure("accept.ratio", fast.rate, "ratio", { atLeast: 5 });
  figure("accept.p99_ratio", fast.p99, "ratio", { atMost: 0.25 });
  say(`accept: the same with ${SLOW_FSYNC_US} us more for each fsync`);
  const slow = await rounds(build, 5, slower(build, SLOW_FSYNC_US));
  figure("accept.slow_ratio", slow.rate, "ratio", { atLeast: 20 });
}
