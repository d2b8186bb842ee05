// secrets.test.mjs - generated passwords are where they must be (sealed in the database, with the panel, with the mail
// program) and nowhere else: not in a command line or environment of any process, here or on the nodes, while they are set;
// not in what Berth keeps on nodes, their /tmp, the database's files, berthd's log or any answer of the API.
//
// The one exception is the panel's own: v-add-mail-account hands the mailbox's password to doveadm as an argument.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { nodeRoot } from "../lib/nodestate.mjs";
import { ProcessWatch } from "../lib/processes.mjs";
import { World } from "../lib/world.mjs";

const world = new World("secrets");
before(() => world.open());
after(() => world.close());

let services, secrets, seen;

/** Whole files below a folder; what cannot be read as a file (sockets) is left out. */
function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}

/** In clear, and as base64 or hex would write it. */
function hidden(text, { secret }) {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString("base64").replace(/=+$/, "").slice(0, -1), bytes.toString("hex")].some((form) => text.includes(form));
}

function assertNone(where, text) {
  for (const secret of secrets) assert.ok(!hidden(text, secret), `the ${secret.kind} of service ${secret.service} is in ${where}`);
}

world.test("while accounts and mailboxes are made, as root and through sudo, all processes are watched", async () => {
  await world.addGroup("sudo");
  for (const { name } of world.lab.status().nodes) await world.addNode(name, { name: `${name}-sudo`, groups: ["sudo"], user: "berth" });
  await world.addProduct("start-sudo", undefined, "sudo");
  world.panel("pace=fixed 500");
  const watch = await new ProcessWatch().start();
  const asRoot = await world.order("qseca.test");
  const second = await world.order("qsecb.test");
  await world.status(asRoot.id);
  await world.status(second.id);
  const asSudo = await world.deploy("qsecc.test", { product: "start-sudo" });
  seen = await watch.stop();
  world.panel("pace=none");
  services = [asRoot.id, second.id, asSudo.id];
  secrets = world.secrets();
  assert.equal(secrets.length, 15); // each: four panel users and a mailbox
  assert.equal(new Set(secrets.map(({ secret }) => secret)).size, 15);
  for (const { secret } of secrets) assert.match(secret, /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{20}$/);
});

world.test("the watch saw the commands that took the passwords", () => {
  for (const command of ["v-add-user", "v-add-mail-account"]) {
    assert.ok(seen.some((line) => line.startsWith("cmdline") && line.includes(`/usr/local/hestia/bin/${command} `)), `${command} was seen`);
    assert.ok(seen.some((line) => /^cmdline \S*sudo -n /.test(line) && line.includes(`/${command} `)), `${command} through sudo was seen`);
  }
});

world.test("no command line and no environment held one, but for the panel's doveadm", () => {
  for (const line of seen) {
    if (/^cmdline (\S*\/)?doveadm .*pw /.test(line)) continue;
    assertNone(`a process: ${line.replace(/\s.*/s, (rest) => rest.slice(0, 60))}`, line);
  }
});

world.test("no node keeps one in Berth's records or in /tmp, nor in the panel's log", () => {
  for (const { name } of world.lab.status().nodes) {
    const root = nodeRoot(world.lab, name);
    let count = 0;
    for (const folder of ["/root/.berth", "/var/lib/berth-login/.berth", "/tmp", "/usr/local/hestia/log"]) {
      for (const path of files(root + folder)) {
        count++;
        assertNone(`${name}:${path.slice(root.length)}`, readFileSync(path, "latin1"));
      }
    }
    assert.ok(count > 5, "there are records to look at");
    assert.deepEqual([...files(`${root}/tmp`)].filter((path) => /berth-/.test(path)), [], `input files are gone from ${name}`);
  }
});

world.test("the database holds them sealed only, and so do its log and its neighbours", () => {
  let bytes = 0;
  for (const path of files(world.directory)) {
    const text = readFileSync(path, "latin1");
    bytes += text.length;
    assertNone(path, text);
  }
  assert.ok(bytes > 100000);
});

world.test("berthd's log holds none", () => {
  assert.ok(world.log().split("\n").length > 20);
  assertNone("the log", world.log());
});

world.test("no answer of the API holds one: every GET, every service, task, attempt and log", async () => {
  const paths = new Set(["/health", "/services", "/tasks?limit=200", "/nodes", "/groups", "/products", "/zone-templates", "/queue"]);
  for (const node of (await world.api.get("/nodes")).nodes) paths.add(`/nodes/${node.id}`);
  for (const { name } of (await world.api.get("/zone-templates")).zone_templates) paths.add(`/zone-templates/${name}`);
  let logBytes = 0;
  for (const id of services) {
    for (const part of ["", "/operations", "/events?limit=1000", "/tasks"]) paths.add(`/services/${id}${part}`);
    for (const { id: taskId } of await world.api.tasks(id)) {
      paths.add(`/tasks/${taskId}`);
      for (const attempt of (await world.api.get(`/tasks/${taskId}`)).attempt_list) paths.add(`/attempts/${attempt.id}/log`);
    }
  }
  for (const path of paths) {
    const answer = await world.api.request("GET", `/api/v1${path}`);
    assert.equal(answer.status, 200, path);
    if (path.endsWith("/log")) logBytes += answer.text.length;
    assertNone(path, answer.text);
  }
  assert.ok(logBytes > 5000, "the logs have something in them");
  for (const id of services) {
    const { customer_url } = await world.api.service(id);
    assertNone("the customer's page", (await world.api.request("GET", new URL(customer_url).pathname)).text);
  }
});

world.test("a token is in none of these places either", () => {
  for (const path of files(world.directory)) {
    if (path.endsWith("ctl.json")) continue; // berthctl's own, mode 0600
    assert.ok(!readFileSync(path, "latin1").includes(world.token), path);
  }
});
