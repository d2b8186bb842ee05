// daemon.mjs - one berthd process: started, watched, stopped, killed, frozen; always by its pid.

import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { until } from "../lab/nodes.mjs";

export class Daemon {
  /** @param program berthd  @param config berth.yaml  @param log file that collects what it says  @param options more of them */
  constructor(program, config, log, env = {}, options = []) {
    this.lines = [];
    this.waiting = new Set();
    this.child = spawn(program, ["--config", config, ...options], { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
    this.pid = this.child.pid;
    let rest = "";
    this.child.stderr.setEncoding("utf8").on("data", (data) => {
      appendFileSync(log, data);
      const parts = (rest + data).split("\n");
      rest = parts.pop();
      this.lines.push(...parts);
      for (const look of this.waiting) look();
    });
    /** Resolves to {code, signal} once it is gone and its last line was read. */
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.end = { code, signal };
        resolve(this.end);
        for (const look of this.waiting) look();
      });
    });
  }

  /** Until it has said a line that fits; gives the match. Throws when it ends without. */
  async said(pattern, limitMs = 30000) {
    let wake = () => {};
    const look = () => wake();
    this.waiting.add(look);
    const end = Date.now() + limitMs;
    try {
      for (let at = 0; ; ) {
        for (; at < this.lines.length; at++) {
          const match = pattern.exec(this.lines[at]);
          if (match) return match;
        }
        if (this.end) throw new Error(`berthd ended (${JSON.stringify(this.end)}) without saying ${pattern}\n${this.tail()}`);
        if (Date.now() > end) throw new Error(`berthd has not said ${pattern} in ${limitMs} ms\n${this.tail()}`);
        await new Promise((resolve) => {
          wake = resolve;
          setTimeout(resolve, Math.max(1, end - Date.now())).unref();
        });
      }
    } finally {
      this.waiting.delete(look);
    }
  }

  /** Until it takes requests. */
  async listening(limitMs) {
    const [, address, port] = await this.said(/event=http\.listening address=(\S+) port=(\d+)/, limitMs);
    this.base = `http://${address}:${port}`;
    return this;
  }

  tail(count = 30) {
    return this.lines.slice(-count).join("\n");
  }

  signal(name) {
    if (!this.end) process.kill(this.pid, name);
  }

  /** SIGTERM; gives {code, signal, ms}. */
  async stop() {
    const began = performance.now();
    this.signal("SIGTERM");
    const end = await this.ended;
    return { ...end, ms: performance.now() - began };
  }

  async kill() {
    this.signal("SIGKILL");
    return this.ended;
  }

  /**
   * SIGSTOP, and it stands still. Never inside of a transaction: there it would hold SQLite's lock for as long as it is
   * stopped, and nobody could take over, which is SQLite's way and not what a lease is about.
   */
  async freeze() {
    await until("berthd stands still between two transactions", async () => {
      this.signal("SIGSTOP");
      await until("berthd stands still", () => /^\d+ \(.*\) T/.test(readFileSync(`/proc/${this.pid}/stat`, "utf8")));
      if (!this.isWriting()) return true;
      this.thaw();
      return false;
    });
  }

  /** Does it hold the write lock of its database? In WAL mode that is byte 120 of the -shm file. */
  isWriting() {
    return new RegExp(`^\\d+: POSIX +ADVISORY +WRITE ${this.pid} \\S+ 120 120$`, "m").test(readFileSync("/proc/locks", "utf8"));
  }

  thaw() {
    this.signal("SIGCONT");
  }
}
