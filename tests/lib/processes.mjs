// processes.mjs - watches the command lines and environments of all processes of this machine, those inside of the lab's
// nodes included (a node's processes are this machine's processes too), and remembers where one of some secrets was seen.
// Runs as a program of its own, because it must not pause while a test waits for something.
//
// Every process is read again and again, as fast as the machine allows: what lives for a few milliseconds is seen.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Start; stop() gives every command line and environment that was seen, each once. */
export class ProcessWatch {
  async start() {
    this.child = spawn(process.execPath, [fileURLToPath(import.meta.url), "watch"], { stdio: ["pipe", "pipe", "inherit"] });
    this.text = "";
    this.child.stdout.setEncoding("utf8").on("data", (data) => (this.text += data));
    await once(this.child.stdout, "data"); // the first round is done
    return this;
  }

  async stop() {
    this.child.stdin.end();
    await once(this.child, "close");
    return this.text.split("\n").filter((line) => line);
  }
}

function read(path) {
  try {
    return readFileSync(path, "utf8").replaceAll("\0", " ").replaceAll("\n", " ");
  } catch {
    return ""; // it has ended meanwhile
  }
}

function watch() {
  const seen = new Set();
  let stopping = false;
  process.stdin.on("end", () => (stopping = true)).resume();
  const round = () => {
    let fresh = "";
    for (const pid of readdirSync("/proc")) {
      if (!/^\d/.test(pid)) continue;
      for (const kind of ["cmdline", "environ"]) {
        const line = read(`/proc/${pid}/${kind}`);
        if (line === "" || seen.has(line)) continue;
        seen.add(line);
        fresh += `${kind} ${line}\n`;
      }
    }
    process.stdout.write(fresh === "" ? "\n" : fresh);
    if (!stopping) setImmediate(round);
  };
  round();
}

if (process.argv[2] === "watch") watch();
