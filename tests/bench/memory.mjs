// memory.mjs - berthd's resident memory with 100,000 tasks waiting: orders for the lab's four nodes, whose first command hangs.

import { join } from "node:path";
import { BenchLab } from "./lab.mjs";
import { figure, residentMib, run, say } from "./figures.mjs";

const TASKS = 100000;

async function expanded(lab) {
  for (;;) {
    const waiting = await Promise.all(["accepted", "waiting"].map((status) => lab.api.get(`/services?status=${status}&limit=1`)));
    if (waiting.every((list) => list.services.length === 0)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export async function memory(build) {
  const lab = new BenchLab();
  try {
    await lab.up();
    lab.panel("hang=v-list-user-package:3600");
    const { id } = await lab.order("first.example");
    await lab.task(id, "web.package", ["running"]);
    const tasksEach = (await lab.api.tasks(id)).length;
    const { hostname, port } = new URL(lab.daemon.base);
    let services = 0;
    for (let round = 0; services * tasksEach < TASKS; round++) {
      const [load] = await run(join(build, "tests/bench/load_orders"), [hostname, port, lab.token, "start", "16", "0.5", `memory${round}`]);
      services += load.accepted;
    }
    await expanded(lab);
    say(`memory: ${services} services, ${services * tasksEach} tasks wait`);
    figure("rss.mib", residentMib(lab.daemon.pid), "MiB", { atMost: 32 });
  } finally {
    await lab.close();
  }
}
