// resolver.mjs - what the world sees of our domains, in a test: a recursive resolver that knows of no domain but those that it is told.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { until } from "./world.mjs";

/** A BIND of our own: it is the root, where nothing is, and knows by hand where some domains are served. */
export class Resolver {
  constructor(directory, port) {
    Object.assign(this, { directory, port });
    mkdirSync(directory);
    writeFileSync(join(directory, "root.db"), "$TTL 60\n. SOA a. b. 1 60 60 60 60\n. NS a.\na. A 127.0.0.1\n");
  }

  async start(domains, server) {
    const zones = domains.map((domain) => `zone "${domain}" { type static-stub; server-addresses { ${server}; }; };\n`).join("");
    const config = join(this.directory, "named.conf");
    writeFileSync(
      config,
      `options { directory "${this.directory}"; pid-file none; session-keyfile none; listen-on port ${this.port} { 127.0.0.1; };
        listen-on-v6 { none; }; recursion yes; dnssec-validation no; empty-zones-enable no; };
      controls { };
      zone "." { type master; file "root.db"; };
      ${zones}`,
    );
    this.log = "";
    this.child = spawn("named", ["-g", "-n", "1", "-U", "1", "-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    this.child.stderr.on("data", (data) => (this.log += data));
    await until(`named runs\n${this.log}`, () => {
      if (this.child.exitCode !== null) throw new Error(`named ended\n${this.log}`);
      return / running$/m.test(this.log);
    });
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "close");
  }
}

/** A port of 127.0.0.1 that nobody has. */
export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}
