// resume.test.mjs - whatever is interrupted goes on where it was: berthd stopped, killed; a node restarted; connections cut
// at any moment. Commands on the nodes are made long enough for that, by the panel stand-in's pace and chatter.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { openMailbox, serves, visit } from "../lib/customer.mjs";
import { serviceState } from "../lib/nodestate.mjs";
import { World, until } from "../lib/world.mjs";

const world = new World("resume");
let calm; // the state of a service that nobody disturbed

before(async () => {
  await world.open();
  calm = serviceState(world.lab, await world.deploy("qcalm.test"), world.installation);
});
after(() => world.close());

const address = (name) => world.lab.node(name).address;
const adds = (node, user) => world.panelLog(node).filter((line) => /v-add-|v-insert-dns-domain/.test(line) && line.includes(`'${user}'`)).map((line) => line.split(" ")[2]);

async function checkWhole(id) {
  const service = await world.status(id);
  assert.equal(serviceState(world.lab, service, world.installation), calm);
  assert.equal((await visit(address("web1"), service.domain)).status, 200);
  assert.ok(serves(address("ns1"), service.domain) && serves(address("ns2"), service.domain));
  await openMailbox(address("mail1"), `info@${service.domain}`, world.secret(id, "mailbox-password"));
  return service;
}

/** Until a command of this step is under way on its node. */
async function underWay(id, key) {
  const task = await world.task(id, key, ["running"]);
  await until(`a command of ${key}`, async () => /\$ |v-/.test((await world.api.log(task.attempt_id)).berth), 20000);
  return task;
}

world.test("SIGTERM stops berthd in less than two seconds while commands run, and they go on when it is back", async () => {
  world.panel("pace=fixed 1500");
  const { id } = await world.order("qterm.test");
  await underWay(id, "web.user");
  const stopped = await world.daemon.stop();
  assert.equal(stopped.code, 0);
  assert.ok(stopped.ms < 2000, `${stopped.ms} ms`);
  await world.start();
  await world.daemon.said(/event=attempt\.resumed .*key=web\.user/);
  world.panel("pace=none");
  await checkWhole(id);
  for (const { name } of world.lab.status().nodes) assert.equal(new Set(adds(name, "qterm")).size, adds(name, "qterm").length, `once on ${name}`);
});

world.test("a killed berthd is followed at once by the next one, which picks up what runs", async () => {
  world.panel("pace=fixed 800");
  const { id } = await world.order("qkill.test");
  for (const key of ["mail.user", "dns.user@ns2", "mail.domain"]) {
    await underWay(id, key);
    await world.daemon.kill();
    const began = Date.now();
    await world.start();
    assert.ok(Date.now() - began < 5000, "no waiting for a dead owner's lease");
    await world.daemon.said(new RegExp(`event=attempt\\.resumed .*key=${key}`));
  }
  world.panel("pace=none");
  await checkWhole(id);
  assert.ok((await world.api.tasks(id)).every((task) => task.attempts === 1), await world.describe(id));
});

world.test("orders that were answered just before a kill are there after it", async () => {
  await world.addProduct("webless", { dns: {} });
  const accepted = [];
  const wave = Promise.all(
    Array.from({ length: 16 }, async (_, index) => {
      const answer = await world.order(`qwave${index}.test`, { options: {}, product: "webless" }).catch(() => null);
      if (answer) accepted.push(answer.id);
      if (accepted.length === 5) world.daemon.signal("SIGKILL");
    }),
  );
  await wave;
  await world.daemon.ended;
  assert.ok(accepted.length >= 5);
  await world.start();
  for (const id of accepted) await world.status(id);
});

world.test("a node that is restarted in the middle of a command: lost, looked at, repaired", async () => {
  for (const [node, key, domain] of [
    ["web1", "web.domain", "qbootw.test"],
    ["mail1", "mail.domain", "qbootm.test"],
    ["ns1", "dns.zone@ns1", "qbootd.test"],
  ]) {
    world.lab.do("panel", node, `chatter=${{ web1: "v-add-web-domain", mail1: "v-add-mail-domain", ns1: "v-rebuild-dns-domain" }[node]}:100:100`);
    const { id } = await world.order(domain);
    const task = await world.task(id, key, ["running"]);
    await until("its output", async () => /line 3 of 100/.test((await world.api.log(task.attempt_id)).stdout), 30000);
    world.lab.do("kill", node);
    world.lab.do("panel", node, "chatter=");
    world.lab.do("start", node);
    await checkWhole(id);
    const whole = await world.api.task(id, key);
    assert.equal(whole.attempt_list[0].outcome, "lost", JSON.stringify(whole.attempt_list));
    assert.ok((await world.api.events(id)).some((event) => event.kind === "task.lost" && event.data.key === key));
  }
});

world.test("a command is seen line by line while it runs", async () => {
  world.lab.do("panel", "web1", "chatter=v-add-web-domain:25:100");
  const { id } = await world.order("qlines.test");
  const task = await world.task(id, "web.domain", ["running"]);
  const seen = new Map(); // line -> when it was there first, while the attempt ran
  let log;
  do {
    log = await world.api.log(task.attempt_id);
    for (const line of log.stdout.match(/line \d+ of 25/g) ?? []) if (!log.ended && !seen.has(line)) seen.set(line, Date.now());
  } while (!log.ended);
  world.lab.do("panel", "web1", "chatter=");
  assert.equal((log.stdout.match(/line \d+ of 25/g) ?? []).length, 25, "none is lost, none is there twice");
  assert.ok(seen.size >= 20, `${seen.size} lines were seen before the end`);
  assert.ok(new Set(seen.values()).size >= 10, "they came one after the other");
  const moments = log.chunks.filter((chunk) => chunk.stream === "stdout" && /line/.test(chunk.text)).map((chunk) => chunk.at);
  assert.ok(new Set(moments).size >= 10, "each chunk has its moment");
  await checkWhole(id);
});

world.test("cut at many moments of a command, and berthd killed once, neither its output nor its exit code is lost", async () => {
  world.lab.do("panel", "web1", "chatter=v-add-web-domain:60:50");
  const { id } = await world.order("qcut.test");
  const task = await world.task(id, "web.domain", ["running"]);
  let cuts = 0;
  for (let log; !log?.ended; ) {
    log = await world.api.log(task.attempt_id);
    const lines = (log.stdout.match(/line \d+ of 60/g) ?? []).length;
    if (!log.ended && lines > cuts * 6 && lines < 60) {
      cuts++;
      if (cuts === 3) {
        await world.daemon.kill();
        await world.start();
      } else {
        world.lab.do("cut", "web1");
      }
    }
  }
  world.lab.do("panel", "web1", "chatter=");
  assert.ok(cuts >= 4, `${cuts} cuts`);
  const log = await world.api.log(task.attempt_id);
  const expected = Array.from({ length: 60 }, (_, index) => `v-add-web-domain: line ${index + 1} of 60`);
  assert.deepEqual(log.stdout.match(/^v-add-web-domain: line \d+ of 60$/gm), expected);
  await checkWhole(id);
  const whole = await world.api.task(id, "web.domain");
  assert.equal(whole.attempts, 1);
  assert.deepEqual(whole.attempt_list.map((attempt) => attempt.outcome), ["done"]);
  assert.deepEqual(adds("web1", "qcut").filter((name) => name === "v-add-web-domain").length, 1);
});

world.test("connections of all nodes cut again and again: the order ends as if nothing had been", async () => {
  world.panel("pace=fixed 300");
  const { id } = await world.order("qcuts.test");
  let cuts = 0;
  while ((await world.api.service(id)).status !== "live" && cuts < 60) {
    for (const { name } of world.lab.status().nodes) world.lab.do("cut", name);
    cuts++;
    const before = world.daemon.lines.length; // at least one of them has connected again
    await until("a new session", () => world.daemon.lines.slice(before).some((line) => /event=node\.up/.test(line)), 20000);
  }
  world.panel("pace=none");
  assert.ok(cuts >= 3, `${cuts} rounds`);
  await checkWhole(id);
  for (const { name } of world.lab.status().nodes) assert.equal(new Set(adds(name, "qcuts")).size, adds(name, "qcuts").length, `once on ${name}`);
});
