// waiting.test.mjs - an order for which there is no place is accepted, says in plain words what it waits for, is never placed
// by halves, and goes on by itself when there is room.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { World } from "../lib/world.mjs";

const world = new World("waiting");
before(async () => {
  await world.open({ catalogue: false });
  await world.addGroup();
  await world.addProduct();
});
after(() => world.close());

/** It waits with these words, and has taken nothing from anybody: no account, no task, no load on a node, nothing run. */
async function checkWaits(id, reason) {
  const service = await world.status(id, "waiting");
  assert.match(service.reason, reason);
  assert.deepEqual(service.roles.flatMap((role) => role.nodes), []);
  assert.deepEqual(await world.api.tasks(id), []);
  assert.equal(service.progress.percent, 0);
  const page = await world.api.request("GET", new URL(service.customer_url).pathname);
  assert.match(page.text, /making room for your account|finding the best place/);
  for (const { name } of world.lab.status().nodes) assert.doesNotMatch(page.text, new RegExp(name));
  return service;
}

const loads = async () => Object.fromEntries((await world.api.get("/nodes")).nodes.map((node) => [node.name, node.load]));

world.test("without any node; then with some, but not all; then it is placed whole", async () => {
  const { id } = await world.order("qempty.test");
  await checkWaits(id, /group eu has no web node/);
  await world.addNode("web1");
  await checkWaits(id, /./);
  await world.api.service(id).then((service) => assert.equal(service.status, "waiting"));
  await world.addNode("mail1");
  await world.addNode("ns1");
  const service = await world.status(id);
  assert.deepEqual(service.roles.map((role) => role.nodes.map((node) => node.name)), [["web1"], ["mail1"], ["ns1"]]);
  const reasons = (await world.api.events(id)).filter((event) => event.kind === "service.waiting").map((event) => event.data.reason);
  assert.match(reasons[0], /web/);
  assert.match(reasons[1], /mail/);
  assert.deepEqual(await loads(), { web1: 1, mail1: 1, ns1: 1 });
  await world.addNode("ns2");
});

world.test("a full node: the next order waits, names it, and goes on when there is room", async () => {
  await world.setNode("web1", { capacity_max: 2 });
  await world.deploy("qfits.test");
  const { id } = await world.order("qfull.test");
  await checkWaits(id, /web1 is full \(2 of 2\)/);
  assert.equal((await loads()).mail1, 2, "nothing is taken on other nodes either");
  await world.setNode("web1", { capacity_max: 3 });
  await world.status(id);
});

world.test("many at once with room for some: as many as fit, the others wait and lose nothing", async () => {
  await world.setNode("web1", { capacity_max: 6 });
  const orders = await Promise.all(Array.from({ length: 6 }, (_, index) => world.order(`qcrowd${index}.test`, { options: {} })));
  const ids = orders.map((order) => order.id);
  for (;;) {
    const all = await Promise.all(ids.map((id) => world.api.service(id)));
    if (all.every((service) => ["live", "waiting"].includes(service.status))) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const waiting = [];
  for (const id of ids) if ((await world.api.service(id)).status === "waiting") waiting.push(id);
  assert.equal(waiting.length, 3);
  assert.deepEqual(waiting, [...ids].sort((a, b) => a - b).slice(3), "first come, first served");
  assert.equal((await loads()).web1, 6);
  await world.setNode("web1", { capacity_max: 0 });
  for (const id of waiting) await world.status(id);
});

world.test("a paused node gets no new service; the reason says so; active again, it goes on", async () => {
  await world.setNode("mail1", { state: "paused" });
  const { id } = await world.order("qpaused.test");
  await checkWaits(id, /mail1 is paused/);
  await world.setNode("mail1", { state: "active" });
  await world.status(id);
});

world.test("a node paused in the middle of a deployment finishes its command, then waits, then goes on", async () => {
  world.panel("pace=fixed 400");
  const { id } = await world.order("qhalf.test");
  await world.task(id, "web.user", ["running"]);
  await world.setNode("web1", { state: "paused" });
  await world.task(id, "web.user", ["done"]);
  await world.task(id, "verify.dns", ["done"]);
  assert.notEqual((await world.api.task(id, "web.domain")).state, "running");
  assert.notEqual((await world.api.service(id)).status, "live");
  await world.setNode("web1", { state: "active" });
  world.panel("pace=none");
  await world.status(id);
});

world.test("a waiting order outlives berthd, and is still served by what comes later", async () => {
  await world.setNode("web1", { state: "draining" });
  const { id } = await world.order("qoutlive.test");
  await checkWaits(id, /web1 is draining/);
  await world.daemon.kill();
  await world.start();
  await checkWaits(id, /web1 is draining/);
  await world.setNode("web1", { state: "active" });
  await world.status(id);
});

world.test("a node that cannot be reached gets no new service, its tasks wait without using up attempts", async () => {
  world.lab.do("link", "mail1", "down");
  await world.daemon.kill(); // so that the next one finds it unreachable from the start
  await world.start();
  await world.daemon.said(/event=node\.down node=mail1/, 60000);
  const { id } = await world.order("qreach.test");
  await checkWaits(id, /mail1 is unreachable/);
  world.lab.do("link", "mail1", "up");
  await world.status(id, "live", 90000);
  assert.ok((await world.api.tasks(id)).every((task) => task.attempts === 1), await world.describe(id));
});
