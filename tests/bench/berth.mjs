// berth.mjs - one berthd without a lab: what `berthctl init` makes in a directory of its own, started, and its API.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../lab/nodes.mjs";
import { Api } from "../lib/api.mjs";

const pipelines = fileURLToPath(new URL("../../pipelines", import.meta.url));

export class Berth {
  /** @param build the build directory  @param env for berthd, e.g. a preload */
  static async open(build, env = {}) {
    const berth = new Berth();
    berth.directory = mkdtempSync(join(tmpdir(), "berth-bench."));
    const init = spawnSync(join(build, "src/cli/berthctl"), ["init", "--dir", berth.directory, "--pipelines", pipelines, "--web", join(build, "web")], { encoding: "utf8" });
    [berth.token] = /berth_[A-Za-z0-9_-]{43}/.exec(init.stdout) ?? [];
    if (!berth.token) throw new Error(`berthctl init: exit ${init.status}\n${init.stdout}${init.stderr}`);
    const config = join(berth.directory, "berth.yaml");
    writeFileSync(config, readFileSync(config, "utf8").replace(/^listen:.*$/m, 'listen: "127.0.0.1:0"'));
    await berth.start(join(build, "src/daemon/berthd"), config, env);
    berth.api = new Api(berth.base, berth.token);
    return berth;
  }

  /** It logs to a file, so that nobody's reading takes part in what is measured. */
  async start(program, config, env) {
    const log = join(this.directory, "log");
    this.child = spawn(program, ["--config", config], { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", openSync(log, "a")] });
    this.ended = new Promise((resolve) => this.child.on("close", resolve));
    process.on("exit", () => this.child.kill("SIGKILL")); // also when the bench fails
    const [, address, port] = await until("berthd listens", () => /event=http\.listening address=(\S+) port=(\d+)/.exec(readFileSync(log, "utf8")));
    this.base = `http://${address}:${port}`;
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
    this.child.kill("SIGTERM");
    await this.ended;
    rmSync(this.directory, { recursive: true });
  }
}
