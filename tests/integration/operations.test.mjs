// operations.test.mjs - what staff do to a service that is there, with berthctl on real servers: plan, verify, redeploy, cancel,
// conflicts; and berthd from a crontab.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, before } from "node:test";
import { openMailbox, visit } from "../lib/customer.mjs";
import { serviceState } from "../lib/nodestate.mjs";
import { World, build, until } from "../lib/world.mjs";

const world = new World("operations");
const bin = "/usr/local/hestia/bin";

before(() => world.open());
after(() => world.close());

const address = (name) => world.lab.node(name).address;
const state = async (id) => serviceState(world.lab, await world.api.service(id), world.installation);

function berthctl(...words) {
  const run = spawnSync(`${build}/src/cli/berthctl`, ["--url", world.daemon.base, "--token", world.token, ...words.map(String)], { encoding: "utf8" });
  return { code: run.status, text: run.stdout + run.stderr };
}

async function operations(id) {
  return (await world.api.get(`/services/${id}/operations`)).operations;
}

world.test("what somebody has deleted on a node is planned, verified and there again", async () => {
  const { id, domain } = await world.deploy("qhole.test");
  const whole = await state(id);
  assert.match(berthctl("service", "plan", id).text, /Nothing would be changed/);
  world.lab.exec("web1", `${bin}/v-delete-web-domain qhole ${domain}`);
  world.lab.exec("ns2", `${bin}/v-delete-dns-domain qhole ${domain}`);
  assert.doesNotMatch((await visit(address("web1"), domain)).text, /qhole/, "the node's default page");
  const planned = berthctl("service", "plan", id);
  assert.equal(planned.code, 0, planned.text);
  assert.match(planned.text, /web\.domain +web1 +would run v-add-web-domain/);
  assert.match(planned.text, /dns\.zone@ns2 +ns2 +would run v-insert-dns-domain/);
  assert.doesNotMatch(planned.text, /ns1|mail1/);
  assert.doesNotMatch((await visit(address("web1"), domain)).text, /qhole/, "a plan changes nothing");
  const verified = berthctl("service", "verify", id);
  assert.equal(verified.code, 0, verified.text);
  assert.match(verified.text, /web\.domain +web1 +/);
  assert.match(verified.text, /dns\.zone@ns2 +ns2 +/);
  assert.equal(await state(id), whole);
  assert.match((await visit(address("web1"), domain)).text, /qhole/);
  assert.match(berthctl("service", "verify", id).text, /Nothing had to be changed/);
  assert.equal((await world.api.service(id)).status, "live");
});

world.test("a redeploy of a live service changes nothing on its nodes and loses nothing of the customer's", async () => {
  const { id, domain } = await world.deploy("qreset.test");
  world.lab.exec("web1", `echo mine >/home/qreset/web/${domain}/public_html/mine.txt`);
  const changes = world.lab.status().nodes.map(({ name }) => world.panelLog(name).length);
  assert.match(berthctl("service", "redeploy", id).text, /redeploy of service/);
  await world.status(id);
  assert.deepEqual(world.lab.status().nodes.map(({ name }) => world.panelLog(name).length), changes);
  assert.equal((await visit(address("web1"), domain, "/mine.txt")).text.trim(), "mine");
  await openMailbox(address("mail1"), `info@${domain}`, world.secret(id, "mailbox-password"));
  assert.deepEqual((await operations(id)).map(({ kind, state: how }) => `${kind} ${how}`).sort(), ["deploy done", "redeploy done"]);
});

world.test("a cancel is seen within a second, while a command runs; a redeploy goes on from there", async () => {
  world.panel("pace=fixed 1500");
  const { id } = await world.order("qstop.test");
  await world.task(id, "web.user", ["running"]);
  const began = Date.now();
  assert.equal(berthctl("service", "cancel", id).code, 0);
  const service = await world.api.service(id);
  assert.ok(Date.now() - began < 1000, `${Date.now() - began} ms`);
  assert.equal(service.status, "failed");
  assert.match(service.reason, /^It was cancelled by .*Redeploy the service to go on\.$/);
  const page = await world.api.request("GET", new URL(service.customer_url).pathname);
  assert.match(page.text, /stopped by our team/);
  assert.deepEqual(new Set((await world.api.tasks(id)).map((task) => task.state)).has("running"), false);
  world.panel("pace=none");
  assert.equal(berthctl("service", "redeploy", id).code, 0);
  await world.status(id);
  for (const { name } of world.lab.status().nodes) {
    const adds = world.panelLog(name).filter((line) => /v-add-user /.test(line) && line.includes("'qstop'"));
    assert.equal(adds.length, 1, `one user on ${name}`);
  }
});

world.test("somebody else's user has our name: rename leaves it alone", async () => {
  world.lab.exec("web1", `${bin}/v-add-user qname Secret-123 q@example.org`);
  const { id } = await world.order("qname.test");
  await until("the conflict", async () => (await world.api.service(id)).status === "failed");
  const task = await world.api.task(id, "web.user");
  assert.equal(task.cause, "conflict.user");
  assert.deepEqual(task.choices, ["adopt", "rename", "abort"]);
  assert.match(berthctl("task", "show", task.id).text, new RegExp(`berthctl task rename ${task.id}`));
  assert.equal(berthctl("task", "rename", task.id).code, 0);
  const service = await world.status(id);
  assert.deepEqual(service.roles[0].nodes.map((node) => node.account), ["qname2"]);
  assert.match(world.lab.exec("web1", `${bin}/v-list-user qname json`), /"PACKAGE": "default"/);
});

world.test("somebody else's user has the site: adopt makes it ours and keeps what is in it", async () => {
  world.lab.exec("web1", `${bin}/v-add-user olduser Secret-123 q@example.org && ${bin}/v-add-web-domain olduser qadopt.test && echo kept >/home/olduser/web/qadopt.test/public_html/kept.txt`);
  const { id } = await world.order("qadopt.test");
  await until("the conflict", async () => (await world.api.service(id)).status === "failed");
  const task = await world.api.task(id, "web.domain");
  assert.deepEqual(task.choices, ["adopt", "abort"]);
  assert.equal(berthctl("task", "adopt", task.id).code, 0);
  const service = await world.status(id);
  assert.deepEqual(service.roles[0].nodes.map((node) => node.account), ["olduser"]);
  assert.equal((await visit(address("web1"), "qadopt.test", "/kept.txt")).text.trim(), "kept");
  const adopted = (await world.api.events(id)).find((event) => event.kind === "account.adopted");
  assert.equal(adopted.data.former, "qadopt");
});

world.test("from a crontab: --once does what is due and exits; beside a berthd that runs it exits at once", async () => {
  const beside = world.spawn({}, ["--once"]);
  await beside.said(/event=berthd\.not-needed/);
  assert.equal((await beside.ended).code, 0);
  const { id } = await world.order("qcron.test");
  await world.daemon.stop();
  const once = world.spawn({}, ["--once"]);
  assert.equal((await once.ended).code, 0);
  await world.start();
  assert.equal((await world.api.service(id)).status, "live");
});
