// berth.mjs - one berthd without a lab: what `berthctl init` makes in a directory of its own, started, and its API.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Api } from "../lib/api.mjs";
import { Daemon } from "../lib/daemon.mjs";

const pipelines = fileURLToPath(new URL("../../pipelines", import.meta.url));

export class Berth {
  /** @param build the build directory  @param env for berthd, e.g. a preload */
  static async open(build, env = {}) {
    const berth = new Berth();
    berth.directory = mkdtempSync(join(tmpdir(), "berth-bench."));
    const init = spawnSync(join(build, "src/cli/berthctl"), ["init", "--dir", berth.directory, "--pipelines", pipelines], { encoding: "utf8" });
    [berth.token] = /berth_[A-Za-z0-9_-]{43}/.exec(init.stdout) ?? [];
    if (!berth.token) throw new Error(`berthctl init: exit ${init.status}\n${init.stdout}${init.stderr}`);
    const config = join(berth.directory, "berth.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace(/^listen:.*$/m, 'listen: "127.0.0.1:0"'));
    berth.daemon = await new Daemon(join(build, "src/daemon/berthd"), config, join(berth.directory, "log"), env).listening();
    berth.api = new Api(berth.daemon.base, berth.token);
    return berth;
  }

  /** A group without nodes and a product from it: its orders are accepted and wait. */
  async addProduct() {
    await this.api.post("/groups", { name: "eu", title: "EU" });
    await this.api.post("/products", { name: "start", group: "eu", web: { disk_mb: 2000 }, mail: { disk_mb: 2000 }, dns: {} });
  }

  /** Until every accepted order has been looked at again (placed, or told what it waits for). */
  async settled() {
    for (;;) {
      const { services } = await this.api.get("/services?status=accepted&limit=1");
      if (services.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close() {
    await this.daemon.stop();
    rmSync(this.directory, { recursive: true });
  }
}
