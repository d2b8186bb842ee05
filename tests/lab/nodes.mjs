// nodes.mjs - drives lab/berth-lab, and the few conversations (IMAP, SMTP) that its tests hold with the nodes.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../lab/berth-lab", import.meta.url));

/** Poll until probe() gives something true; waiting is for an event, so the time is a limit only. */
export async function until(what, probe, limitMs = 10000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const result = await probe();
    if (result) return result;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** One lab, under a name of its own. */
export class Lab {
  constructor(name, env = {}) {
    this.name = name;
    this.env = { ...process.env, BERTH_LAB: name, ...env };
    this.scratch = mkdtempSync(join(tmpdir(), "berth-lab-test."));
  }

  /** Run berth-lab; throws unless it exits with 0. */
  do(...args) {
    const run = this.try(...args);
    if (run.status !== 0) throw new Error(`berth-lab ${args.join(" ")}: exit ${run.status}\n${run.stdout}${run.stderr}`);
    return run.stdout;
  }

  try(...args) {
    return spawnSync(program, args, { env: this.env, encoding: "utf8", timeout: 60000 });
  }

  start(...args) {
    return spawn(program, args, { env: this.env, stdio: "ignore" });
  }

  /** A shell script as root inside the node. --norc: bash takes a socket on standard input for a remote login. */
  exec(node, script, input) {
    const run = spawnSync(program, ["exec", node, "bash", "--norc", "-euo", "pipefail", "-c", script], {
      env: this.env,
      encoding: "utf8",
      input: input ?? "",
    });
    if (run.status !== 0) throw new Error(`in ${node}: exit ${run.status}\n${script}\n${run.stdout}${run.stderr}`);
    return run.stdout;
  }

  status() {
    return JSON.parse(this.do("status", "--json"));
  }

  node(name) {
    return this.status().nodes.find((node) => node.name === name);
  }

  /** ssh with nothing but what `status --json` tells, the way a stranger would use it. */
  sshArgs(user, name, ...command) {
    const status = this.status();
    const node = status.nodes.find((each) => each.name === name);
    const known = join(this.scratch, "known_hosts");
    writeFileSync(known, status.nodes.map((each) => `${each.address} ${each.host_key}\n`).join(""));
    const options = ["StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`, "BatchMode=yes", "ConnectTimeout=2", "IdentitiesOnly=yes"];
    return ["-F", "/dev/null", "-i", status.key, ...options.flatMap((option) => ["-o", option]), `${user}@${node.address}`, ...command];
  }

  ssh(user, name, ...command) {
    return spawnSync("ssh", this.sshArgs(user, name, ...command), { encoding: "utf8" });
  }

  sshStart(user, name, ...command) {
    return spawn("ssh", this.sshArgs(user, name, ...command), { stdio: ["ignore", "pipe", "pipe"] });
  }

  end() {
    this.do("down");
    rmSync(this.scratch, { recursive: true });
  }
}

/** A line-by-line talk over a socket that can turn into a TLS one. */
export class Talk {
  static async open(host, port) {
    const talk = new Talk();
    talk.listen(net.connect(port, host));
    await once(talk.socket, "connect");
    return talk;
  }

  listen(socket) {
    this.socket = socket;
    this.lines = [];
    this.waiting = null;
    let rest = "";
    socket.on("data", (data) => {
      const parts = (rest + data).split("\r\n");
      rest = parts.pop();
      this.lines.push(...parts);
      this.waiting?.();
    });
    socket.on("error", (error) => {
      this.error = error;
      this.waiting?.();
    });
  }

  async line() {
    while (this.lines.length === 0) {
      if (this.error) throw this.error;
      await new Promise((resolve) => (this.waiting = resolve));
    }
    return this.lines.shift();
  }

  /** Send, then read until the line that ends the answer. */
  async ask(text, last) {
    if (text !== null) this.socket.write(`${text}\r\n`);
    const answer = [];
    for (;;) {
      answer.push(await this.line());
      if (last.test(answer.at(-1))) return answer;
    }
  }

  async startTls() {
    const plain = this.socket;
    plain.removeAllListeners("data");
    this.listen(tls.connect({ socket: plain, rejectUnauthorized: false }));
    await once(this.socket, "secureConnect");
  }

  close() {
    this.socket.destroy();
  }
}

/** IMAP as a mail program does it; gives the answer to LOGIN and to the commands after it, joined. */
export async function imap(host, user, password, ...commands) {
  const talk = await Talk.open(host, 143);
  try {
    await talk.ask(null, /^\* OK/);
    const plain = await talk.ask(`p LOGIN ${user} ${password}`, /^p |^\* BYE/);
    if (!plain.at(-1).startsWith("p NO")) throw new Error(`a password is taken over a plain connection: ${plain}`);
    await talk.ask("s STARTTLS", /^s OK/);
    await talk.startTls();
    const answers = await talk.ask(`l LOGIN ${user} ${password}`, /^l /);
    for (const command of commands) answers.push(...(await talk.ask(`c ${command}`, /^c /)));
    return answers.join("\n");
  } finally {
    talk.close();
  }
}

/** Hand a mail in, logged in over STARTTLS. */
export async function submit(host, user, password, to, message) {
  const talk = await Talk.open(host, 587);
  const last = /^\d{3} /;
  const expect = async (text, code) => {
    const answer = await talk.ask(text, last);
    if (!answer.at(-1).startsWith(code)) throw new Error(`${text}: ${answer.join("; ")}`);
  };
  try {
    await expect(null, "220");
    await expect("EHLO client.lab.test", "250");
    await expect("STARTTLS", "220");
    await talk.startTls();
    await expect("EHLO client.lab.test", "250");
    await expect(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`, "235");
    await expect(`MAIL FROM:<${user}>`, "250");
    await expect(`RCPT TO:<${to}>`, "250");
    await expect("DATA", "354");
    await expect(`${message.replaceAll("\n", "\r\n")}\r\n.`, "250");
  } finally {
    talk.close();
  }
}

/** A mail server that keeps the one mail it gets; resolves to its text. */
export async function catchMail(address) {
  const server = net.createServer((socket) => {
    let text = "";
    let inData = false;
    socket.write("220 sink\r\n");
    socket.on("error", () => {});
    socket.on("data", (data) => {
      text += data;
      for (let end; (end = text.indexOf(inData ? "\r\n.\r\n" : "\r\n")) >= 0; ) {
        const part = text.slice(0, end);
        text = text.slice(end + (inData ? 5 : 2));
        if (inData) {
          server.emit("mail", `${part}\r\n`.replaceAll("\r\n..", "\r\n."));
          socket.write("250 kept\r\n");
          inData = false;
        } else if (/^DATA/i.test(part)) {
          inData = true;
          socket.write("354 go on\r\n");
        } else if (/^QUIT/i.test(part)) {
          socket.end("221 bye\r\n");
        } else {
          socket.write("250 ok\r\n");
        }
      }
    });
  });
  server.listen(25, address);
  await once(server, "listening");
  const mail = once(server, "mail").then(([text]) => text);
  return { mail, close: () => server.close() };
}
