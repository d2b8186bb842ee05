// lab.mjs - berthd on a lab of four nodes, and what the benches read from both.

import { World } from "../lib/world.mjs";
import { until } from "../lab/nodes.mjs";
import { median } from "./figures.mjs";

// Lines of the panel's log that a command writes for what it calls itself.
const NESTED = /v-add-user-sftp-jail|v-restart-(?:web-backend|web|proxy|dns) +'no'/;

export class BenchLab extends World {
  constructor() {
    super("bench");
  }

  /** @param env for berthd */
  async up(env = {}) {
    this.lab.do("up");
    this.init();
    await this.start(env);
    await this.addCatalogue();
  }

  /** Each changing command lasts so long, as the shell sees it that runs it: the stand-in keeps time from when it runs, and what it
   * takes to start a process on this machine comes on top. */
  commandsLast(ms) {
    this.panel(`pace=fixed ${ms}`);
    const script = "for i in 1 2 3 4 5 6 7; do a=$(date +%s%N); /usr/local/hestia/bin/v-restart-proxy; b=$(date +%s%N); echo $((b - a)); done";
    const seen = median(this.lab.exec("web1", script).trim().split("\n").map((ns) => Number(ns) / 1e6));
    const start = this.lab.exec("web1", "for i in 1 2 3 4 5 6 7; do a=$(date +%s%N); b=$(date +%s%N); echo $((b - a)); done");
    const clock = median(start.trim().split("\n").map((ns) => Number(ns) / 1e6)); // what asking for the time costs
    this.panel(`pace=fixed ${(2 * ms - (seen - clock)).toFixed(2)}`);
  }

  /** DKIM keys made beforehand: to make one takes up to a second, and a command could not keep its pace. */
  stockKeys(count) {
    for (const { name, role } of this.lab.status().nodes)
      if (role === "mail") this.lab.exec(name, `/usr/local/hestia/bin/berth-panel --keys ${count}`);
  }

  /** A service that is live: how long it took from before the order was sent, and its tasks by key. */
  async measured(domain, more) {
    const began = Date.now();
    const { id } = await this.order(domain, more);
    return this.ended(id, began);
  }

  async ended(id, began) {
    await this.status(id, "live", 180000);
    const live = (await this.api.events(id)).find((event) => event.kind === "service.live");
    const tasks = Object.fromEntries((await this.api.tasks(id)).map((task) => [task.key, task]));
    for (const task of Object.values(tasks)) {
      if (task.attempts > 1) throw new Error(`${task.key} took ${task.attempts} attempts\n${await this.describe(id)}`);
      task.ms = Date.parse(task.ended_at) - Date.parse(task.started_at);
    }
    return { ms: Date.parse(live.at) - began, tasks, verifyMs: verifyMs(tasks) };
  }

  /** Changing commands that were run on each node so far, from the nodes' own logs. */
  commands() {
    return Object.fromEntries(this.lab.status().nodes.map(({ name }) => [name, this.panelLog(name).filter((line) => !NESTED.test(line)).length]));
  }

  async quiet() {
    await until("no task is left", async () => {
      const queue = await this.api.get("/queue");
      return queue.queued + queue.running + queue.waiting === 0;
    });
  }
}

function verifyMs(tasks) {
  return { web: tasks["verify.web"].ms, mail: tasks["verify.mail"].ms, dns: tasks["verify.dns"].ms };
}
