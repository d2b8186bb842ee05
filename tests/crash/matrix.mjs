// matrix.mjs - the crash matrix: each step of the Split pipeline x each moment of a step x each fault is a point. A point is one order,
// during which the fault happens at exactly that moment of that step, and nothing else. It has held when the order ends live,
// with everything on the nodes as after an order that nobody disturbed (see lib/nodestate.mjs for what may differ), and the
// panels' own logs show that nothing was run twice. Where berthd stands still and how: hold_at.c; the faults: faults.mjs.
//
// Many points share a lab, one after the other, each with a domain of its own; a few labs run side by side.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeRoot, serviceState } from "../lib/nodestate.mjs";
import { World, build, until } from "../lib/world.mjs";
import { FAULTS, MAY_REPEAT, SPOILS, SHRINKS_MAX, STATE_DISK, STORE_DISK, putRight, smallDisk } from "./faults.mjs";
import { Hold, MOMENTS } from "./hold.mjs";
import { allPairs, combinations } from "./pairs.mjs";

const WORLD_POINTS = 60; // then a fresh lab: comparing looks at everything that is on the nodes
const POINT_MS = 60000;
const SETTINGS = { "retry.first": "0.2 s", "retry.cap": "2 s", "retry.attempts": "6", "ssh.connect": "2 s", "ssh.silence": "2 s" }; // nobody waits long here
const NODES = { web: "web1", mail: "mail1", dns: "ns1", none: "web1" }; // where the fault happens
const PROBE_PORTS = { web: 80, mail: 143, dns: 53 };

/** The steps of an order as the pipeline has them: [{step, role, lane, key}]. A step on each name server is disturbed on the first. */
function readSteps() {
  const text = readFileSync(new URL("../../pipelines/split.yaml", import.meta.url), "utf8");
  const blocks = text.split(/^  - step: /m).slice(1);
  return blocks.filter((block) => !/^    when: \S*password$/m.test(block)).map((block) => {
    const field = (name) => new RegExp(`^    ${name}: (\\S+)`, "m").exec(block)?.[1];
    const [step] = block.split("\n");
    return { step, role: field("role"), lane: field("lane"), key: field("each") ? `${step}@${NODES[field("role")]}` : step };
  });
}

export const STEPS = new Map(readSteps().map((each) => [each.step, each]));

/** A step without a command has no moments around one. */
function isPossible({ step, moment }) {
  return STEPS.get(step).lane !== "none" || moment === "uncommitted" || moment === "committed";
}

const PARAMETERS = { step: [...STEPS.keys()], moment: Object.keys(MOMENTS), fault: Object.keys(FAULTS) };

export function pairwise() {
  return allPairs(PARAMETERS, isPossible);
}

export function full() {
  return combinations(PARAMETERS).filter(isPossible);
}

/** null: berthd has tidied it away meanwhile. */
function textOf(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

/** A lab and a berthd that can be held, on a disk that can be filled. */
class MatrixWorld extends World {
  constructor(name) {
    super(name);
    smallDisk(this.directory, STORE_DISK, "");
    this.logFile = `${this.directory}.log`; // what berthd says is not on its disk
    this.hold = new Hold(this.directory);
    this.points = 0;
  }

  async open() {
    this.lab.do("up");
    const status = this.lab.status();
    this.lab.status = () => status; // no node is restarted here
    for (const { name } of status.nodes) this.lab.exec(name, `mkdir -p /root/.berth && mount -t tmpfs -o size=${STATE_DISK},mode=700 records /root/.berth`);
    await this.hold.open();
    this.init();
    await this.begin();
    await this.addCatalogue();
    await this.api.patch("/settings", SETTINGS);
    await this.deploy("qwarm.test"); // the first one makes what all share
    const calm = await this.undisturbed("qcalm.test");
    this.calm = { state: serviceState(this.lab, calm.service, this.installation), ran: calm.ran };
  }

  async close() {
    this.hold.close();
    spawnSync("umount", ["-l", this.directory]);
    await super.close();
    rmSync(this.logFile, { force: true });
  }

  begin() {
    return this.start(this.hold.env);
  }

  storeDisk(size) {
    smallDisk(this.directory, size);
  }

  /** Size of the disk with the records on a node; 0: no byte more than what is in use. */
  stateDisk(node, size) {
    const used = '$(stat -f -c "%b %f %S" /root/.berth | { read -r all free size; echo $(((all - free) * size)); })';
    this.lab.exec(node, `for i in $(seq ${SHRINKS_MAX}); do ! mount -o remount,size=${size || used} /root/.berth || exit 0; done; exit 1`);
  }

  /** The store's log begins anew and is empty: whatever is written from here on needs room. */
  async emptyLog() {
    const program = join(build, "tests/crash/empty_log");
    await until("the store's log is empty", () => spawnSync(program, [this.database]).status === 0);
  }

  panelLog(node) {
    return readFileSync(`${nodeRoot(this.lab, node)}/usr/local/hestia/log/system.log`, "utf8").split("\n").filter((line) => line);
  }

  nodeNames() {
    return this.lab.status().nodes.map((node) => node.name);
  }

  logLengths() {
    return Object.fromEntries(this.nodeNames().map((name) => [name, this.panelLog(name).length]));
  }

  /** What the panels have run since then, as texts that two orders can be compared by. */
  ranSince(lengths, service) {
    const names = [[service.domain, "DOMAIN"], [service.domain.split(".")[0], "USER"], [String(service.id).padStart(10, "0"), "SERVICE"]];
    return this.nodeNames().flatMap((name) =>
      this.panelLog(name)
        .slice(lengths[name])
        .map((line) => names.reduce((text, [from, to]) => text.replaceAll(from, to), line.split(" ").slice(2).join(" ")))
        .map((line) => `${name} ${line.replace(/\/tmp\/berth-\S+/g, "FILE").replace(/\b(TIME|DATE|EXP|SERIAL)='[^']*'/g, "$1=''").replace(/p=[A-Za-z0-9+/=" \\]+/g, "p=KEY")}`),
    );
  }

  async undisturbed(domain) {
    const lengths = this.logLengths();
    const service = await this.deploy(domain);
    return { service, ran: this.ranSince(lengths, service) };
  }

  /** Until berthd says such a line, or the service of this point has come to an end without. @return whether it was said */
  async said(pattern) {
    return this.felt(async () => this.daemon.lines.slice(this.saidBefore).some((line) => pattern.test(line)));
  }

  /** The same for anything that can be asked. */
  async felt(isFelt) {
    let felt = false;
    await until("the fault is felt, or the service has ended", async () => (felt = await isFelt()) || (await this.hasEnded()), POINT_MS);
    return felt;
  }

  async hasEnded() {
    const answer = await this.api.get(`/services?domain=${this.domain}`).catch(() => null);
    return ["live", "failed"].includes(answer?.services[0]?.status);
  }

  /** Berthd stands still at the point's moment. @return what is held */
  async reach({ moment, key, role, lane, node }) {
    const port = lane === "probe" ? PROBE_PORTS[role] : 22;
    const [request, mark] = lane === "look" ? ["{ b_look ", `'${this.domain}'`] : ["{ b_make ", ""];
    const held = await this.arrival(this.hold.arm(moment, key, { address: this.lab.node(node).address, port, request, mark }));
    if (held.attempt > 0 && lane !== "look") await until("the command has ended on its node", () => this.commandEnded(node, held.attempt));
    return held;
  }

  async arrival(held) {
    const timer = new AbortController();
    const late = new Promise((_, reject) => {
      const timeout = setTimeout(() => reject(new Error("the moment has not come")), POINT_MS);
      timer.signal.addEventListener("abort", () => clearTimeout(timeout));
    });
    try {
      return await Promise.race([held, late]);
    } finally {
      timer.abort();
    }
  }

  /** What the records on a node say: each begins with the attempt and the number of the command. */
  records(node) {
    const directory = join(nodeRoot(this.lab, node), "root/.berth", this.installation);
    return readdirSync(directory)
      .filter((name) => name.endsWith(".run"))
      .map((name) => textOf(join(directory, name)))
      .filter((text) => text !== null);
  }

  /** Has the attempt's first command come to its end? */
  commandEnded(node, attempt) {
    return this.records(node).some((text) => text.startsWith(`${attempt} 0 `) && /^ended/m.test(text));
  }

  /** Until no command runs on the node that had begun before berthd stood still. */
  async quiet(node) {
    await until("all commands have ended on the node", () => this.records(node).every((text) => text === "" || /^ended/m.test(text)));
  }

  /** One point. Throws when it has not held; gives whether its fault was felt. */
  async run({ step, moment, fault }) {
    const { role, lane, key } = STEPS.get(step);
    const node = NODES[role];
    this.domain = `qx${String(this.points++).padStart(4, "0")}.test`;
    this.saidBefore = 0;
    await until("all nodes are there", async () => (await this.api.get("/nodes")).nodes.every((each) => each.state === "active"), POINT_MS);
    await this.emptyLog();
    const lengths = this.logLengths();
    const body = this.orderBody(this.domain, { external_id: this.domain });
    const arrival = this.reach({ moment, key, role, lane, node });
    const answer = this.api.post("/services", body).catch(() => null);
    const held = await arrival;
    this.saidBefore = this.daemon.lines.length;
    const felt = await FAULTS[fault](this, { node, held, lost: moment === "unread" && lane !== "probe" });
    const { id } = (await answer) ?? (await this.api.post("/services", body)); // unanswered: the same order again is the same one
    this.isSpoilt = SPOILS.has(fault);
    await this.check(await this.status(id), lengths, MAY_REPEAT.has(fault));
    return { felt };
  }

  async check(service, lengths, mayRepeat) {
    const tasks = await this.api.tasks(service.id);
    assert.ok(tasks.every((task) => task.state === "done"), await this.describe(service.id));
    const events = await this.api.events(service.id);
    assert.equal(events.filter((event) => event.kind === "service.live").length, 1);
    assert.deepEqual(events.map((event) => event.seq), events.map((_, index) => index + 1));
    assert.deepEqual(events.filter((event) => ["task.failed", "service.failed", ...(mayRepeat ? [] : ["task.lost"])].includes(event.kind)), []);
    const extra = surplus(this.ranSince(lengths, service), this.calm.ran);
    if (!mayRepeat && extra.length > 0) throw new Doubled(extra);
    assert.equal(serviceState(this.lab, service, this.installation), this.calm.state, "the nodes differ from those of an undisturbed order");
  }
}

class Doubled extends Error {
  constructor(lines) {
    super(`run more often than in an undisturbed order:\n${lines.join("\n")}`);
  }
}

/** What is in the one list more often than in the other. */
function surplus(lines, expected) {
  const left = [...expected];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** A lab works through points until there are none; a new lab when one has had many, has failed, or has had a fault that its servers may
 * not get over. */
async function work(name, points, add) {
  let world = null;
  try {
    for (let point = points.shift(); point; point = points.shift()) {
      if (world && (world.points >= WORLD_POINTS || world.isSpoilt)) {
        await world.close();
        world = null;
      }
      if (!world) {
        world = new MatrixWorld(name);
        await world.open();
      }
      const from = world.logSize();
      const began = performance.now();
      try {
        add({ ...point, held: true, ...(await world.run(point)), ms: performance.now() - began });
      } catch (error) {
        add({ ...point, held: false, isDoubled: error instanceof Doubled, error: `${error.stack}\n${world.log(from)}`, ms: performance.now() - began });
        putRight(world);
        await world.close();
        world = null;
      }
    }
  } finally {
    await world?.close();
  }
}

/** Run these points in labs side by side. @param ended is told each result  @return a result for each: {step, moment, fault, held, felt, isDoubled, error, ms} */
export async function runMatrix(points, labNames, ended = () => {}) {
  const left = [...points];
  const results = [];
  const add = (result) => {
    results.push(result);
    ended(result);
  };
  await Promise.all(labNames.map((name) => work(name, left, add)));
  return results;
}

/** How many points there were, orders that did not come to the same end, and commands that were run twice. */
export function counts(results) {
  return {
    points: results.length,
    lost: results.filter((result) => !result.held && !result.isDoubled).length,
    doubled: results.filter((result) => result.isDoubled).length,
  };
}

/** Markdown: a row per step, a column per fault; in it the moments, those that did not hold with a "!". */
export function table(results) {
  const moments = Object.keys(MOMENTS);
  const cell = (step, fault) =>
    moments
      .map((moment) => results.find((result) => result.step === step && result.fault === fault && result.moment === moment))
      .map((result) => result && `${MOMENTS[result.moment]}${result.held ? "" : "!"}`)
      .filter((text) => text)
      .join(" ");
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const felt = (fault) => {
    const mine = results.filter((result) => result.fault === fault);
    return `${mine.filter((result) => result.felt).length} of ${mine.length}`;
  };
  return [
    line(["step", ...PARAMETERS.fault]),
    line(["---", ...PARAMETERS.fault.map(() => "---")]),
    ...PARAMETERS.step.map((step) => line([step, ...PARAMETERS.fault.map((fault) => cell(step, fault))])),
    line(["felt", ...PARAMETERS.fault.map(felt)]),
  ].join("\n");
}
