// watchers.mjs - two thousand customers watch their pages on one berthd while services are deployed: how soon they are told, what they
// cost in memory, and whether deployments take longer because of them.

import { BenchLab } from "./lab.mjs";
import { figure, median, quantile, residentMib, say } from "./figures.mjs";
import { nowMs } from "../lib/stream.mjs";
import { until } from "../lab/nodes.mjs";
import net from "node:net";

const WATCHERS = 2000;
const DEPLOYED = 24; // services of a round
const WATCHERS_EACH = 25; // of these; all others watch services that wait for their place
const PARKED = 280;
const ROUNDS = 3; // with watchers, and without, in turn
const COMMAND_MS = 100;

/** Services whose pages say that they wait: nothing sells them a node. */
async function park(lab) {
  await lab.addGroup("full");
  await lab.addProduct("parked", undefined, "full");
  const orders = [];
  for (let i = 0; i < PARKED; i++) orders.push(await lab.order(`parked${i}.example`, { product: "parked" }));
  await until("all are waiting", async () => (await lab.api.get("/services?status=accepted&limit=1")).services.length === 0, 60000);
  return orders;
}

const pathOf = (order) => `${new URL(order.customer_url).pathname}/events`;

/**
 * One who watches. Two thousand browsers would be on as many machines; here what they do must not take the processors from berthd and
 * the nodes, so of all that comes only news are looked at, and of these only the moment.
 */
class Watcher {
  /** @param onNews(happened, at) */
  constructor(base, path, onNews) {
    const { hostname, port, host } = new URL(base);
    let rest = "";
    this.bytes = 0;
    this.socket = net.connect({ host: hostname, port: Number(port) });
    this.socket.on("error", () => {});
    this.socket.on("data", (data) => {
      const at = nowMs();
      if (this.bytes === 0 && !data.subarray(0, 12).equals(OK)) this.failed = data.subarray(0, 12).toString();
      this.bytes += data.length;
      this.heard ||= data.includes("event: state\n");
      rest = readNews(rest, data, (happened) => onNews(happened, at));
    });
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  }

  close() {
    this.socket.destroy();
  }
}

const OK = Buffer.from("HTTP/1.1 200");
const NEWS = "event: activity\n";

/** @return what of an event has come so far, or could be the beginning of one */
function readNews(rest, data, onNews) {
  if (!data.includes(NEWS) && !(rest + data.subarray(0, NEWS.length).toString("latin1")).includes(NEWS))
    return data.subarray(-NEWS.length).toString("latin1");
  const text = rest + data.toString("latin1");
  for (let from = text.indexOf(NEWS); from >= 0; ) {
    const end = text.indexOf("\n\n", from);
    if (end < 0) return text.slice(from);
    const happened = /"at":"([^"]+)"/.exec(text.slice(from, end));
    if (happened) onNews(Date.parse(happened[1]));
    from = text.indexOf(NEWS, end);
  }
  return text.slice(-NEWS.length);
}

/** All who watch, each from now on: what has happened before they came is not news to them. */
class Crowd {
  constructor(lab) {
    this.lab = lab;
    this.streams = [];
    this.delays = [];
  }

  watch(order) {
    const since = nowMs();
    const watcher = new Watcher(this.lab.daemon.base, pathOf(order), (happened, at) => {
      if (happened > since) this.delays.push(at - happened);
    });
    this.streams.push(watcher);
  }

  async settled() {
    await until("all are told where they are", () => this.streams.every((stream) => stream.heard || stream.failed), 60000);
    const refused = this.streams.filter((stream) => stream.failed);
    if (refused.length > 0) throw new Error(`${refused.length} watchers were refused: ${refused[0].failed}`);
  }

  close() {
    for (const stream of this.streams) stream.close();
    this.streams = [];
  }
}

/** @return milliseconds from the first order until the last service is live */
async function deploy(lab, name, crowd) {
  const began = Date.now();
  const orders = await Promise.all(Array.from({ length: DEPLOYED }, (_, i) => lab.order(`${name}x${i}.example`)));
  if (crowd) for (const order of orders) for (let i = 0; i < WATCHERS_EACH; i++) crowd.watch(order);
  for (const { id } of orders) await until(`service ${id} is live`, async () => (await lab.api.service(id)).status === "live", 180000);
  const ended = await Promise.all(orders.map(async ({ id }) => Date.parse((await lab.api.service(id)).live_at)));
  return Math.max(...ended) - began;
}

async function rounds(lab, parked, crowd) {
  const times = { with: [], without: [] };
  let mib = 0;
  for (let round = 0; round < ROUNDS; round++) {
    times.without.push(await deploy(lab, `calm${round}`));
    for (let i = 0; i < WATCHERS - DEPLOYED * WATCHERS_EACH; i++) crowd.watch(parked[i % PARKED]);
    await crowd.settled();
    times.with.push(await deploy(lab, `watched${round}`, crowd));
    await crowd.settled();
    if (crowd.streams.length !== WATCHERS) throw new Error(`${crowd.streams.length} watch`);
    mib = Math.max(mib, residentMib(lab.daemon.pid));
    crowd.close();
  }
  return { times, mib };
}

export async function watchers() {
  const lab = new BenchLab();
  const crowd = new Crowd(lab);
  try {
    await lab.up();
    lab.stockKeys(2 * ROUNDS * DEPLOYED + 1);
    lab.commandsLast(COMMAND_MS);
    await lab.measured("warm.example");
    const parked = await park(lab);
    const { times, mib } = await rounds(lab, parked, crowd);
    const { delays } = crowd;
    say(`watchers: deployments took ${times.without} ms alone, ${times.with} ms watched; ${delays.length} news were told`);
    say(`watchers: told after p50 ${median(delays).toFixed(1)} ms, p99 ${quantile(delays, 0.99).toFixed(1)} ms, at most ${Math.max(...delays).toFixed(1)} ms`);
    figure("watchers.p95_ms", quantile(delays, 0.95), "ms", { atMost: 500 });
    figure("watchers.rss_mib", mib, "MiB", { atMost: 100 });
    figure("watchers.slowdown", median(times.with.map((ms, i) => ms / times.without[i])), "ratio", { atMost: 1.05 });
  } finally {
    crowd.close();
    await lab.close();
  }
}
