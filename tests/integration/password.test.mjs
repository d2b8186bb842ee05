// password.test.mjs - a customer reads his passwords once and wants new ones: on real servers, with a mail program, a killed berthd
// and a redeploy in the middle. And staff, who see who has read what.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before } from "node:test";
import { openMailbox } from "../lib/customer.mjs";
import { ProcessWatch } from "../lib/processes.mjs";
import { World, build, until } from "../lib/world.mjs";

const world = new World("password");
before(() => world.open());
after(() => world.close());

const page = (url, what, headers = { "berth-page": "1" }) =>
  world.api.request("POST", `${new URL(url).pathname}/${what}`, undefined, { authorization: "", ...headers });
const kinds = async (id) => (await world.api.events(id)).map((event) => event.kind);
const stored = (id) => world.secrets().filter(({ service }) => service === String(id));

function openWith(domain, password) {
  return openMailbox(world.lab.node("mail1").address, `info@${domain}`, password);
}

/** Does the panel of this node let its user in? */
function panelTakes(node, user, password) {
  const run = world.lab.exec(node, `f=$(mktemp /tmp/test.XXXXXX); echo '${password}' >$f; /usr/local/hestia/bin/v-check-user-password ${user} $f && echo yes; rm -f $f`);
  return run.includes("yes");
}

async function changed(id, before) {
  await until("new passwords", async () => (await kinds(id)).filter((kind) => kind === "credentials.changed").length > before, 30000);
}

world.test("the passwords are shown once, changed on request, and shown once more", async () => {
  const { id, customer_url: url } = await world.deploy("qpass.test");
  const first = await page(url, "credentials");
  assert.equal(first.status, 200, first.text);
  assert.deepEqual(first.json.credentials.map(({ kind, login }) => `${kind} ${login}`), ["panel qpass", "panel qpass", "mailbox info@qpass.test"]);
  assert.doesNotMatch(first.text, /web1|mail1|ns1/, "no node by its name");
  const old = first.json.credentials.find(({ kind }) => kind === "mailbox").password;
  await openWith("qpass.test", old);
  const again = await page(url, "credentials");
  assert.equal(again.status, 410);
  assert.equal(again.json.type, "urn:berth:problem:shown-already");
  assert.equal((await page(url, "password", {})).status, 403, "a form of another site cannot ask");

  world.panel("pace=fixed 300");
  const watch = await new ProcessWatch().start();
  const asked = await page(url, "password");
  assert.equal(asked.status, 202, asked.text);
  assert.equal((await world.api.service(id)).status, "live");
  const twice = await page(url, "password");
  assert.equal(twice.status, 409);
  assert.match(twice.json.detail, /being set just now/);
  assert.equal((await page(url, "credentials")).status, 409);
  await changed(id, 0);
  const seen = await watch.stop();
  world.panel("pace=none");
  assert.equal((await world.api.service(id)).status, "live");
  const soon = await page(url, "password");
  assert.equal(soon.status, 409);
  assert.match(soon.json.detail, /ten minutes/);

  const second = await page(url, "credentials");
  assert.equal(second.status, 200, second.text);
  const fresh = second.json.credentials.find(({ kind }) => kind === "mailbox").password;
  await openWith("qpass.test", fresh);
  await assert.rejects(openWith("qpass.test", old));
  const panel = ([which]) => which.json.credentials.find(({ kind }) => kind === "panel").password;
  assert.ok(panelTakes("web1", "qpass", panel([second])));
  assert.ok(!panelTakes("web1", "qpass", panel([first])));
  assert.equal(stored(id).length, 5, "nothing is left of the change");
  const processes = JSON.stringify([...seen]);
  for (const { kind, secret } of stored(id)) assert.ok(!processes.includes(secret), `${kind} in a process`);
  assert.ok(!stored(id).some(({ secret }) => world.log().includes(secret)), "in berthd's log");
});

world.test("berthd is killed in the middle of a change, and a redeploy takes the place of another", async () => {
  const { id } = await world.deploy("qkill.test");
  const before = stored(id).map(({ secret }) => secret);
  const operation = async (kind) => (await world.api.post(`/services/${id}/operations`, { kind })).id;
  const ends = (which) => until("its end", async () => (await world.api.get(`/operations/${which}`)).state !== "running", 60000);
  world.panel("pace=fixed 800");
  const first = await operation("password");
  await until("a change that runs", async () => (await world.api.get(`/operations/${first}/tasks`)).tasks.some((task) => task.action.endsWith("password") && task.state === "running"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await world.daemon.kill();
  await world.start();
  await ends(first);
  assert.equal((await world.api.get(`/operations/${first}`)).state, "done");
  const middle = stored(id).map(({ secret }) => secret);
  assert.equal(middle.length, 5);
  assert.ok(!middle.some((secret) => before.includes(secret)), "all are new");

  const second = await operation("password");
  await until("a change that runs", async () => (await world.api.get(`/operations/${second}/tasks`)).tasks.some((task) => task.action.endsWith("password") && task.state === "running"));
  const redeploy = await operation("redeploy");
  await ends(redeploy);
  world.panel("pace=none");
  assert.equal((await world.api.get(`/operations/${second}`)).state, "superseded");
  await world.status(id);
  assert.equal(stored(id).length, 5, "nothing is left of the change");
  assert.ok(!stored(id).some(({ secret }) => middle.includes(secret)), "it was brought to its end");
  await openWith("qkill.test", world.secret(id, "mailbox-password"));
  for (const { node, secret } of stored(id).filter(({ kind }) => kind === "panel-password")) {
    const { name } = (await world.api.get("/nodes")).nodes.find((each) => each.id === node);
    assert.ok(panelTakes(name, "qkill", secret), name);
  }
});

world.test("staff reveal passwords and renew the link, and both are written down", async () => {
  const { id, customer_url: url } = await world.deploy("qstaff.test");
  const { credentials } = await world.api.post(`/services/${id}/reveal`);
  assert.deepEqual(credentials.map(({ what }) => what).sort(), ["mailbox", "panel on mail1", "panel on ns1", "panel on ns2", "panel on web1"]);
  await openWith("qstaff.test", credentials.find(({ kind }) => kind === "mailbox").password);
  const { customer_url: fresh } = await world.api.post(`/services/${id}/link`);
  const old = await world.api.request("GET", new URL(url).pathname);
  assert.equal(old.status, 410);
  assert.match(old.text, /This link was replaced/);
  assert.equal((await world.api.request("GET", new URL(fresh).pathname)).status, 200);
  const whos = (await world.api.events(id)).filter(({ kind }) => /^(credentials\.revealed|link\.renewed)$/.test(kind)).map(({ kind, data }) => `${kind} ${data.who}`);
  assert.deepEqual(whos, ["credentials.revealed admin (token 1)", "link.renewed admin (token 1)"]);
  const run = spawnSync(`${build}/src/cli/berthctl`, ["--url", world.daemon.base, "--token", world.token, "service", "password", id], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /All its passwords are new/);
});
