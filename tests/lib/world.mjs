// world.mjs - everything that a test of Berth as a whole needs: a lab of its own, a directory of its own with what
// `berthctl init` makes, berthd, the API, a catalogue (group, nodes, product), orders, and ways to wait for what comes.
//
//   const world = new World("deploy");
//   before(() => world.open());
//   after(() => world.close());
//   world.test("one order becomes live", async () => { ... });

import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Lab, until } from "../lab/nodes.mjs";
import { Api } from "./api.mjs";
import { Daemon } from "./daemon.mjs";

export { until };

const source = fileURLToPath(new URL("../..", import.meta.url));
export const build = process.env.BERTH_BUILD ?? join(source, "build");
const pipelines = join(source, "pipelines");
const web = join(build, "web");
const berthd = join(build, "src/daemon/berthd");
const berthctl = join(build, "src/cli/berthctl");
const reveal = join(build, "tests/lib/reveal");

/** How long a deployment may take on a machine that is busy with other things. */
export const DEPLOY_MS = 60000;

const PRODUCT = { web: { disk_mb: 2000 }, mail: { disk_mb: 2000 }, dns: {} };

export class World {
  /** @param name of the test file; the lab is called "int-NAME" */
  constructor(name, { user = "root", nodes, labEnv = {} } = {}) {
    this.user = user;
    this.lab = new Lab(`int-${name}`, { BERTH_PANEL: join(build, "lab/panel/berth-panel"), ...(nodes && { BERTH_LAB_NODES: nodes }), ...labEnv });
    this.directory = mkdtempSync(join(tmpdir(), `berth-${name}.`));
    this.config = join(this.directory, "berth.yaml");
    this.logFile = join(this.directory, "berthd.log");
    this.daemons = [];
    this.orders = 0;
    this.failed = false;
  }

  /** Lab, berthd and catalogue. @param catalogue false: without group, nodes and product */
  async open({ catalogue = true } = {}) {
    this.lab.do("up");
    this.init();
    await this.start();
    if (catalogue) await this.addCatalogue();
  }

  async close() {
    for (const daemon of this.daemons) {
      daemon.thaw();
      await daemon.kill();
    }
    if (this.lab.try("status").status === 0) this.lab.end();
    rmSync(this.directory, { recursive: true });
  }

  /** A test whose failure shows what berthd said meanwhile. */
  test(name, body) {
    test(name, async (t) => {
      const from = this.logSize();
      try {
        await body(t);
      } catch (error) {
        this.failed = true;
        process.stderr.write(`---- ${name}: berthd meanwhile\n${this.log(from)}----\n`);
        throw error;
      }
    });
  }

  logSize() {
    return existsSync(this.logFile) ? readFileSync(this.logFile).length : 0;
  }

  /** What all berthds have said, from a size on. */
  log(from = 0) {
    return existsSync(this.logFile) ? readFileSync(this.logFile).subarray(from).toString() : "";
  }

  // ---- berthd -------------------------------------------------------------------------------------------------------

  init() {
    const run = spawnSync(berthctl, ["init", "--dir", this.directory, "--pipelines", pipelines, "--web", web], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`berthctl init: exit ${run.status}\n${run.stdout}${run.stderr}`);
    [this.token] = /berth_[A-Za-z0-9_-]{43}/.exec(run.stdout) ?? [];
    if (!this.token) throw new Error(`berthctl init printed no token\n${run.stdout}`);
    this.settings = Object.fromEntries(
      readFileSync(this.config, "utf8")
        .split("\n")
        .map((line) => /^(\w+): *"?([^"#]*?)"? *$/.exec(line))
        .filter((match) => match)
        .map(([, key, value]) => [key, value]),
    );
    this.configure({ listen: "127.0.0.1:0", ssh_key_file: this.lab.status().key, pipelines_dir: pipelines, web_dir: web });
    this.database = this.settings.database.replace("sqlite://", "");
    this.api = new Api(() => this.daemon.base, this.token);
  }

  configure(settings) {
    Object.assign(this.settings, settings);
    writeFileSync(this.config, Object.entries(this.settings).map(([key, value]) => `${key}: ${value}\n`).join(""));
  }

  /** Another berthd on the same directory; `this.daemon` and the API mean it from when it listens. */
  spawn(env = {}, options = []) {
    const daemon = new Daemon(berthd, this.config, this.logFile, env, options);
    appendFileSync(this.logFile, `-- berthd ${daemon.pid}\n`);
    this.daemons.push(daemon);
    return daemon;
  }

  async start(env) {
    const daemon = this.spawn(env);
    await daemon.listening();
    this.daemon = daemon;
    [, this.installation] = await daemon.said(/event=store\.owned .*installation=(\w+)/);
    return daemon;
  }

  // ---- the catalogue ------------------------------------------------------------------------------------------------

  nodeBody(name, more = {}) {
    const node = this.lab.node(name);
    return {
      name,
      roles: [node.role],
      groups: ["eu"],
      address: node.address,
      port: node.port,
      user: this.user,
      host_key: node.host_key,
      hostname: node.hostname,
      public_ip4: node.address,
      ...more,
    };
  }

  addNode(name, more) {
    return this.api.post("/nodes", this.nodeBody(name, more));
  }

  async node(name) {
    return (await this.api.get("/nodes")).nodes.find((node) => node.name === name);
  }

  async setNode(name, settings) {
    return this.api.patch(`/nodes/${(await this.node(name)).id}`, settings);
  }

  addGroup(name = "eu") {
    return this.api.post("/groups", { name, title: name.toUpperCase() });
  }

  addProduct(name = "start", spec = PRODUCT, group = "eu") {
    return this.api.post("/products", { name, group, ...spec });
  }

  async addCatalogue() {
    await this.addGroup();
    for (const node of this.lab.status().nodes) await this.addNode(node.name);
    await this.addProduct();
    await this.nodesUp();
  }

  /** Until berthd has a session to each node. */
  async nodesUp() {
    const count = (await this.api.get("/nodes")).nodes.length;
    await until("a session to each node", () => new Set(this.daemon.lines.flatMap((line) => /event=node\.up node=(\S+)/.exec(line)?.[1] ?? [])).size >= count, 30000);
  }

  /** How all panel stand-ins behave, e.g. "pace=fixed 100". */
  panel(...settings) {
    for (const node of this.lab.status().nodes) this.lab.do("panel", node.name, ...settings);
  }

  // ---- orders -------------------------------------------------------------------------------------------------------

  orderBody(domain, more = {}) {
    this.orders++;
    return {
      product: "start",
      domain,
      client: { id: `c-${domain}`, name: "Ada Lovelace", email: `ada@${domain}` },
      options: { mailbox: "info" },
      ...more,
    };
  }

  /** Place an order; gives {id, status_url, customer_url}. */
  order(domain, more, headers) {
    return this.api.post("/services", this.orderBody(domain, more), headers);
  }

  /** Until the service has this status; a service that fails instead is an error at once. */
  async status(id, wanted = "live", limitMs = DEPLOY_MS) {
    const end = Date.now() + limitMs;
    for (;;) {
      const service = await this.api.service(id);
      if (service.status === wanted) return service;
      if (service.status === "failed" || Date.now() > end)
        throw new Error(`service ${id} (${service.domain}) is ${service.status}, not ${wanted}: ${service.reason}\n${await this.describe(id)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  async deploy(domain, more) {
    const { id } = await this.order(domain, more);
    return this.status(id);
  }

  /** Until a task is in one of these states (or has had that many attempts); gives the task with its attempts. */
  async task(id, key, states, limitMs = DEPLOY_MS) {
    return until(
      `task ${key} of service ${id} is ${states}`,
      async () => {
        const task = await this.api.task(id, key);
        return task && states.includes(task.state) && task;
      },
      limitMs,
    );
  }

  /** Tasks, the logs of those that failed, and events of a service, for a person who has to find out. */
  async describe(id) {
    const tasks = await this.api.tasks(id);
    const lines = tasks.map((task) => `  ${task.key}: ${task.state} attempts=${task.attempts} ${task.reason}`);
    for (const task of tasks.filter((each) => each.state === "failed")) {
      const { chunks } = await this.api.log(task.attempt_id);
      lines.push(`log of ${task.key}:`, ...chunks.map((chunk) => `  ${chunk.at} ${chunk.stream} ${JSON.stringify(chunk.text)}`));
    }
    const events = (await this.api.events(id)).map((event) => `  ${event.at} ${event.kind} ${JSON.stringify(event.data)}`);
    return ["tasks:", ...lines, "events:", ...events].join("\n");
  }

  // ---- below the API ------------------------------------------------------------------------------------------------

  /** Every generated secret, opened with the installation's key: [{service, node, kind, secret}]. */
  secrets() {
    const run = spawnSync(reveal, [this.settings.database, this.settings.key_file], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`reveal: exit ${run.status}\n${run.stderr}`);
    return run.stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([service, node, kind, secret]) => ({ service, node, kind, secret }));
  }

  secret(service, kind) {
    const found = this.secrets().find((each) => each.service === String(service) && each.kind === kind);
    if (!found) throw new Error(`service ${service} has no ${kind}`);
    return found.secret;
  }

  /** What has been run of the panel on a node, oldest first: lines of its own log. */
  panelLog(node) {
    return this.lab
      .exec(node, "cat /usr/local/hestia/log/system.log 2>/dev/null || true")
      .split("\n")
      .filter((line) => line);
  }
}
