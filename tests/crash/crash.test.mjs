// crash.test.mjs - kill -9 berthd at every commit, and at every moment when bytes went to a node or came from one, of an order
// whose commands last 100 ms; start it again; the order goes on where it was and ends in the same state as one that nobody
// disturbed (what may differ: see lib/nodestate.mjs), with nothing built twice and nothing given up as lost.
//
// Where exactly it dies is decided inside of it: see kill_at.c. Every commit has a deployment of its own. Moments of the
// connections are hundreds: there, a deployment is killed first at moment 1, 2, 3 ... of the order, then once on berthd's way
// back (another moment in each deployment), then every GAP moments after it has found its way back, so that as many moments
// are met as an order has. BERTH_CRASH=full gives each of them a deployment of its own as well: about a quarter of an hour.

import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { serviceState } from "../lib/nodestate.mjs";
import { World, build, until } from "../lib/world.mjs";

const KINDS = ["sync", "send", "recv"];
const GAP = { send: 13, recv: 25 };
const WORLDS = 3; // side by side: most of a deployment is waiting
const FULL = process.env.BERTH_CRASH === "full";
const COMMAND_MS = 100;

/** A world whose berthd dies on demand. */
class CrashWorld extends World {
  constructor(name) {
    super(name);
    this.control = join(this.directory, "kill_at");
    writeFileSync(this.control, Buffer.alloc(6 * 8));
    this.env = { LD_PRELOAD: join(build, "tests/crash/kill_at.so"), BERTH_KILL_CONTROL: this.control };
    this.kills = [];
  }

  async open() {
    this.lab.do("up");
    this.nodeNames = this.lab.status().nodes.map((node) => node.name);
    this.init();
    await this.begin();
    await this.addCatalogue();
    this.panel(`pace=fixed ${COMMAND_MS}`);
  }

  async begin() {
    await this.start(this.env);
  }

  /** How many moments of each kind there were so far. */
  seen() {
    const control = readFileSync(this.control);
    return Object.fromEntries(KINDS.map((kind, index) => [kind, Number(control.readBigInt64LE(index * 8))]));
  }

  arm(kind, left) {
    const number = Buffer.alloc(8);
    number.writeBigInt64LE(BigInt(left));
    const file = openSync(this.control, "r+");
    writeSync(file, number, 0, 8, (KINDS.length + KINDS.indexOf(kind)) * 8);
    closeSync(file);
  }

  disarm() {
    for (const kind of KINDS) this.arm(kind, 0);
  }

  /** Until the service is live (true) or berthd was killed (false). */
  async liveOrDead(id) {
    const { daemon } = this;
    const end = Date.now() + 60000;
    while (!daemon.end) {
      const service = await this.api.service(id).catch(() => null); // it dies under a request, too
      if (service?.status === "live") return true;
      if (service?.status === "failed" || Date.now() > end) throw new Error(`service ${id} is ${service?.status}: ${service?.reason}\n${await this.describe(id)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(await daemon.ended, { code: null, signal: "SIGKILL" }, daemon.tail());
    return false;
  }

  /**
   * Start again after a kill, note what was under way, and wait until the way to the nodes stands.
   * @param wayBack kill it once more, so many moments after its start; 0: do not
   */
  async comeBack(kind, wayBack = 0) {
    if (wayBack > 0) {
      this.arm(kind, wayBack);
      const daemon = this.spawn(this.env);
      const isUp = Promise.all(this.nodeNames.map((name) => daemon.said(new RegExp(`event=node\\.up node=${name}$`)))).catch(() => {});
      await Promise.race([daemon.ended, isUp]);
      this.disarm();
      if (daemon.end) this.kills.push({ kind, steps: ["(on the way back)"] });
      await daemon.kill();
    }
    await this.begin();
    await this.nodesUp();
    const steps = this.daemon.lines.map((line) => /event=attempt\.resumed .*key=(\S+)/.exec(line)?.[1]).filter((key) => key);
    this.kills.push({ kind, steps: steps.length > 0 ? steps : ["(between steps)"] });
  }

  /** The one that a request was answered for may be killed before the answer came: the same order again is the same one. */
  async orderSurely(domain) {
    const body = this.orderBody(domain, { external_id: domain });
    const answer = await this.api.post("/services", body).catch(() => null);
    if (answer) return answer.id;
    assert.deepEqual(await this.daemon.ended, { code: null, signal: "SIGKILL" });
    await this.comeBack(this.kind);
    return (await this.api.post("/services", body)).id;
  }

  /** One deployment, killed at the first-th moment of a kind and, with a gap, ever so many moments later again. */
  async run({ domain, kind, first, gap }) {
    this.disarm();
    this.kind = kind;
    if (kind) this.arm(kind, first);
    const id = await this.orderSurely(domain);
    for (let kills = 0; !(await this.liveOrDead(id)); kills++) {
      await this.comeBack(kind, gap && kills === 0 ? 1 + ((first * 7) % (gap * 4)) : 0);
      if (gap) this.arm(kind, gap);
    }
    this.disarm();
    return id;
  }

  /** What must be true of every service, however often berthd died. */
  async check(id, reference) {
    const service = await this.api.service(id);
    const tasks = await this.api.tasks(id);
    assert.ok(tasks.every((task) => task.state === "done"), await this.describe(id));
    const events = await this.api.events(id);
    assert.deepEqual(events.filter((event) => ["task.lost", "task.failed", "service.failed"].includes(event.kind)), []);
    assert.equal(events.filter((event) => event.kind === "service.live").length, 1);
    assert.deepEqual(events.map((event) => event.seq), events.map((_, index) => index + 1));
    const state = serviceState(this.lab, service, this.installation);
    if (reference) assert.equal(state, reference, `${service.domain} differs from an undisturbed service`);
    return state;
  }

  /** Commands that make something, for one domain, over all nodes: each must have run once. */
  checkOnce(domains) {
    const adds = /v-add-user |v-add-web-domain |v-add-mail-domain |v-add-mail-account |v-insert-dns-domain /;
    for (const { name } of this.lab.status().nodes) {
      const lines = this.panelLog(name).filter((line) => adds.test(line));
      for (const domain of domains) {
        const user = domain.split(".")[0];
        const mine = lines.filter((line) => line.includes(`'${user}'`)).map((line) => adds.exec(line)[0]);
        assert.equal(new Set(mine).size, mine.length, `on ${name}, for ${domain}: ${mine}`);
        assert.ok(mine.length > 0, `on ${name}, nothing for ${domain}`);
      }
    }
  }
}

/** Kills per step and kind: a step counts when its attempt was under way. */
function table(kills) {
  const steps = [...new Set(kills.flatMap((kill) => kill.steps))].sort();
  const count = (step, kind) => kills.filter((kill) => kill.kind === kind && (step === null || kill.steps.includes(step))).length;
  const row = (name, step) => [name.padEnd(20), ...KINDS.map((kind) => String(count(step, kind)).padStart(6))].join("");
  return [["under way".padEnd(20), ...KINDS.map((kind) => kind.padStart(6))].join(""), ...steps.map((step) => row(step, step)), row("kills in all", null)].join("\n");
}

/**
 * The deployments, one after the other, until every commit has been met, and as many moments of the connections as an order
 * has. @param kills grows while they run
 */
function* plan(kills) {
  const domain = (kind, first) => `q${kind}${String(first).padStart(3, "0")}.test`;
  for (const kind of KINDS) {
    const alone = FULL || kind === "sync";
    const met = () => kills().filter((kill) => kill.kind === kind).length;
    for (let first = 1; alone ? first <= most[kind] : met() < fewest[kind]; first++) yield { kind, first, gap: alone ? 0 : GAP[kind], domain: domain(kind, first) };
  }
}

const worlds = Array.from({ length: WORLDS }, (_, index) => new CrashWorld(`crash${index + 1}`));
const fewest = {}; // moments of an undisturbed order; a slow one asks more often whether a command has ended
const most = {};
const references = new Map();

before(async () => {
  for (const world of worlds) await world.open();
});
after(async () => {
  for (const world of worlds) await world.close();
});

worlds[0].test("an order that nobody disturbs: its moments are counted", async (t) => {
  for (const world of worlds) {
    await world.run({ domain: "qwarmup.test" });
    const from = world.seen();
    const id = await world.run({ domain: "qcalm.test" });
    const to = world.seen();
    const counted = Object.fromEntries(KINDS.map((kind) => [kind, to[kind] - from[kind]]));
    for (const kind of KINDS) {
      fewest[kind] = Math.min(counted[kind], fewest[kind] ?? Infinity);
      most[kind] = Math.max(counted[kind], most[kind] ?? 0);
    }
    references.set(world, await world.check(id));
    t.diagnostic(`moments of an undisturbed order: ${JSON.stringify(counted)}`);
    assert.ok(fewest.sync >= 10 && fewest.send >= 30 && fewest.recv >= 30, "the preload counts");
  }
});

test("killed at every commit and every moment of the connections, it ends as if nothing had been", { timeout: 3600000 }, async () => {
  const kills = () => worlds.flatMap((world) => world.kills);
  const jobs = plan(kills);
  const failures = [];
  const work = async (world) => {
    const domains = [];
    for (const job of jobs) {
      const from = world.logSize();
      try {
        await world.check(await world.run(job), references.get(world));
        domains.push(job.domain);
      } catch (error) {
        failures.push(`${JSON.stringify(job)}: ${error.message}\n${world.log(from)}`);
        jobs.return(); // one is enough to look at
      }
    }
    if (failures.length === 0) world.checkOnce(domains);
  };
  await Promise.all(worlds.map(work));
  process.stdout.write(`${table(kills())}\n`);
  assert.equal(failures.length, 0, failures[0]);
  for (const kind of KINDS) {
    const met = kills().filter((kill) => kill.kind === kind).length;
    assert.ok(met >= fewest[kind] * 0.9, `${met} kills at ${kind}, of ${fewest[kind]} moments`);
  }
});
