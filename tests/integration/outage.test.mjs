// outage.test.mjs - a node that can be reached, but cannot run commands: its circuit opens, what is meant for it waits without using up
// attempts and says why, and all of it goes on when the node can run commands again, also after a restart of berthd.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { World, until } from "../lib/world.mjs";

// A file in the place of the directory: no record can be kept, everything else works.
const FILL = "mv ~/.berth ~/.berth.kept && : >~/.berth";
const EMPTY = "rm ~/.berth && mv ~/.berth.kept ~/.berth";

const world = new World("outage");
before(async () => {
  await world.open();
  await world.api.patch("/settings", { "node.probe_first": "1 s", "node.probe_cap": "2 s" });
});
after(() => world.close());

const isUnreachable = async () => (await world.node("mail1")).state === "unreachable" && world.node("mail1");

/** Orders that are placed, and three of whose commands in a row then find no room on the mail node. */
async function fill(names) {
  await world.setNode("mail1", { state: "active" });
  const orders = await Promise.all(names.map((name) => world.order(name)));
  await until("all are placed", async () => (await Promise.all(orders.map(({ id }) => world.api.tasks(id)))).every((tasks) => tasks.length > 0));
  return orders.map(({ id }) => id);
}

async function checkLive(ids) {
  for (const id of ids) {
    await world.status(id, "live", 90000);
    assert.ok((await world.api.tasks(id)).every((task) => task.attempts <= 1), await world.describe(id));
  }
}

world.test("no room on a node: its tasks are held, say why, and go on by themselves", async () => {
  await world.deploy("first.test");
  world.lab.exec("mail1", FILL);
  const ids = await fill(["held0.test", "held1.test", "held2.test", "held3.test"]);
  const node = await until("its circuit is open", isUnreachable, 30000);
  assert.match(node.state_reason, /^3 commands in a row could not be run: mail1 cannot keep a record of the command/);
  const late = await world.order("late.test");
  const service = await world.status(late.id, "waiting");
  assert.match(service.reason, /mail1 is unreachable/);
  const task = await world.task(ids[3], "mail.package", ["queued"]);
  await until("it says so", async () => /^waits for mail1, which is unreachable: 3 commands in a row/.test((await world.api.task(ids[3], "mail.package")).reason));
  assert.equal(task.attempts, 0);
  await world.task(ids[0], "verify.web", ["done"]); // the rest goes on
  world.lab.exec("mail1", EMPTY);
  await checkLive([...ids, late.id]);
  assert.equal((await world.node("mail1")).state, "active");
});

world.test("berthd is killed meanwhile: the next one knows, and asks before it sends anything", async () => {
  world.lab.exec("mail1", FILL);
  const ids = await fill(["again0.test", "again1.test", "again2.test", "again3.test"]);
  const { state_since } = await until("its circuit is open", isUnreachable, 30000);
  await world.daemon.kill();
  await world.start();
  const node = await world.node("mail1");
  assert.equal(node.state, "unreachable");
  assert.match(node.state_reason, /^3 commands in a row could not be run/);
  assert.ok(node.state_since >= state_since);
  world.lab.exec("mail1", EMPTY);
  await checkLive(ids);
});
